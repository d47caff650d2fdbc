"""``vdproxy plugins``: what is installed, where it comes from, what it takes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import packages_distributions, version
from typing import Any

from vdproxy.hub.isolation import Failed, attempt
from vdproxy.options import Description, describe, nearest
from vdproxy.registry import broken_files, cannot_be_used, find_all, make


def plugins(name: str | None) -> int:
    """Print a line for each plugin, or all about those called *name*."""
    found = find_all()
    known = [
        (kind, maker)
        for kind, registry in found.items()
        for maker in registry.makers.values()
    ]
    if name is None:
        problems = _list(known)
        for registry in found.values():
            problems += registry.problems.values()
        problems += broken_files()
    else:
        named = [(kind, maker) for kind, maker in known if maker.name == name]
        problems = _explain(named)
        for registry in found.values():
            if name in registry.problems:
                problems.append(registry.problems[name])
        if not named and not problems:
            hint = nearest(name, [maker.name for _, maker in known])
            problems = [f"unknown plugin {name}, {hint}", *broken_files()]
    for line in problems:
        print(line, file=sys.stderr)
    return 1 if problems else 0


def _list(known: Sequence[tuple[str, Any]]) -> list[str]:
    """Print those that can be had; return a line for each other."""
    usable, problems = [], []
    for kind, maker in known:
        options = _options(kind, maker)
        if isinstance(options, Failed):
            problems.append(cannot_be_used(kind, maker, options.error))
        else:
            usable.append((kind, maker))
    origins = _origins(usable)
    for row in _aligned(
        (kind, maker.name, origins[maker.module], maker.description)
        for kind, maker in usable
    ):
        print(row)
    return problems


def _explain(named: Sequence[tuple[str, Any]]) -> list[str]:
    """Print all about each; return a line for each that cannot be had."""
    problems = []
    origins = _origins(named)
    for kind, maker in named:
        print(f"{kind} {maker.name}: {maker.description}")
        print(f"  from {origins[maker.module]}, module {maker.module}")
        if kind == "filter" and maker.fails_closed:
            print("  fails closed: what it fails on is dropped")
        options = _options(kind, maker)
        if isinstance(options, Failed):
            problems.append(cannot_be_used(kind, maker, options.error))
            continue
        rows = _aligned((o.key, o.kind, _default(o)) for o in options)
        for row, option in zip(rows, options, strict=True):
            print(f"  {row}")
            if option.meaning:
                print(f"      {option.meaning}")
    return problems


def _options(kind: str, maker: Any) -> list[Description] | Failed:  # noqa: ANN401 - an IPluginMaker
    """Return what is told of a plugin's options, if one can be made."""

    def look() -> list[Description]:
        options = maker.options()
        described = describe(options)
        if all(option.default is not None for option in described):
            try:
                defaults = options()
            except ValueError:
                # It takes some option to be made, which is no fault.
                return described
            make(kind, maker, defaults)
        return described

    return attempt(look)


def _default(option: Description) -> str:
    return "required" if option.default is None else f"default: {option.default}"


def _origins(known: Sequence[tuple[str, Any]]) -> dict[str, str]:
    """Return which distributions the makers' modules come from."""
    installed = packages_distributions()
    origins = {}
    for module in {maker.module for _, maker in known}:
        names = dict.fromkeys(installed.get(module.partition(".")[0], ()))
        origins[module] = ", ".join(f"{name} {version(name)}" for name in names)
    return {module: origin or "no distribution" for module, origin in origins.items()}


def _aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose columns fit their longest entries."""
    table = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
