"""``vdproxy plugins``: what is installed."""

from __future__ import annotations

import sys
from dataclasses import MISSING, Field, fields
from typing import Any

from vdproxy.hub.isolation import Failed, attempt
from vdproxy.options import key_of, nearest
from vdproxy.registry import KINDS, find


def plugins(name: str | None) -> int:
    """Print a line for each plugin, or about the one called *name*."""
    found = {kind: find(kind) for kind in KINDS}
    makers = [(kind, maker) for kind in found for maker in found[kind].makers.values()]
    problems = [line for kind in found for line in found[kind].problems.values()]
    if name is None:
        for kind, maker in makers:
            print(f"{kind:<9} {maker.name:<16} {maker.description}")
        for line in problems:
            print(line, file=sys.stderr)
        return 1 if problems else 0
    chosen = [(kind, maker) for kind, maker in makers if maker.name == name]
    for kind, maker in chosen:
        _explain(kind, maker)
    if not chosen:
        hint = nearest(name, [maker.name for _, maker in makers])
        unusable = [
            found[kind].problems[name] for kind in found if name in found[kind].problems
        ]
        for line in unusable or [f"unknown plugin {name}, {hint}"]:
            print(line, file=sys.stderr)
        return 1
    return 0


def _explain(kind: str, maker: Any) -> None:  # noqa: ANN401 - an IPluginMaker
    print(f"{kind} {maker.name}: {maker.description}")
    print(f"  module {maker.module}")
    options = attempt(lambda: fields(maker.options()))
    if isinstance(options, Failed):
        print(f"  cannot be loaded: {options.error!r}")
        return
    for field in options:
        print(f"  {key_of(field.name)} ({_type(field)}, {_default(field)})")


def _type(field: Field[Any]) -> str:
    return field.type.__name__ if isinstance(field.type, type) else str(field.type)


def _default(field: Field[Any]) -> str:
    if field.default is not MISSING:
        return f"default {field.default}"
    if field.default_factory is not MISSING:
        return f"default {field.default_factory()}"
    return "required"
