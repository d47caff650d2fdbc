"""``vdproxy check``: whether a configuration is good."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from vdproxy.errors import ConfigError
from vdproxy.service.settings import load


def check(paths: Sequence[str]) -> int:
    """Print what is wrong with the files, a line each, and what has no effect."""
    from twisted.internet import reactor  # noqa: TID251 - a process of its own

    try:
        settings = load(paths, reactor)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    for note in settings.notes:
        print(note)
    print(f"good: {', '.join(vm.name for vm in settings.vms)}")
    return 0
