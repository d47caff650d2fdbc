"""
Plugins and keys that the configuration promises and this version does not have.

They are read and checked like any other, so that a file written for a later
version is accepted, and named in one log line each, so that nobody believes in
a feature that is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SpiceOptions:
    """Options of the spice frontend."""

    password_file: str = ""
    name: str = ""
    uuid: str = ""


#: What the log says of each.
NOTE = "not in this version, without effect"

#: Options by name, for each kind of plugin.
PLUGINS: dict[str, dict[str, type[Any]]] = {
    "handler": {},
    "filter": {},
    "frontend": {"spice": SpiceOptions},
}

#: Keys without effect, by the kind of their section.
KEYS = {
    "vdproxy": ("control", "status", "metrics"),
}
