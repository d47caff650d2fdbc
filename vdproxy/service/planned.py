"""
Plugins and keys that the configuration promises and this version does not have.

They are read and checked like any other, so that a file written for a later
version is accepted, and named in one log line each, so that nobody believes in
a feature that is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from vdproxy.makers import NoOptions
from vdproxy.options import Size

_Direction = Literal["both", "to-guest", "from-guest", "none"]
_Type = Literal["text", "png", "bmp", "tiff", "jpg", "file-list", "any"]


@dataclass(frozen=True)
class PolicyOptions:
    """Options of the policy filter."""

    clipboard: _Direction = "both"
    clipboard_types: tuple[_Type, ...] = ("any",)
    clipboard_max: Size | None = None
    files: bool = True
    file_max: Size | None = None
    monitors: bool = True


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
    "filter": {"policy": PolicyOptions, "audit": NoOptions},
    "frontend": {"spice": SpiceOptions},
}

#: Keys without effect, by the kind of their section.
KEYS = {
    "vdproxy": ("control", "status", "metrics", "max-memory"),
    "vm": ("qmp", "required"),
}
