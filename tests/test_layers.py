"""Imports point down only."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

import pytest

import vdproxy

PACKAGE = Path(vdproxy.__file__).parent

#: From the bottom up. What stands on one line may not import each other.
LAYERS = (
    {"errors", "__init__"},
    {"wire"},
    {"link"},
    {"hub"},
    {"interfaces", "makers", "options", "registry", "api"},
    {"net", "frontends"},
    {"control"},
    {"service"},
    {"tap", "cli", "testing"},
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
CONTRACT = RANK["api"]

#: Built on the plugin contract alone, as anybody's plugins are.
PLUGINS = {"handlers", "filters"}

#: What a layer may import besides vdproxy and, all of them, the standard library.
OUTSIDE = {
    "errors": set(),
    "wire": set(),
    "link": set(),
    "interfaces": {"zope.interface"},
}
HUB_OUTSIDE = (
    "twisted.internet.defer",
    "twisted.internet.interfaces",
    "twisted.logger",
    "twisted.python.failure",
    "zope.interface",
)


def sources():
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        yield relative.with_suffix("").parts, ast.parse(path.read_text())


def is_type_checking(node):
    return isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"


def imports(tree, *, at_run_time):
    """Yield the full names of modules that *tree* imports, wherever it does."""
    skipped = set()
    if at_run_time:
        blocks = [node for node in ast.walk(tree) if is_type_checking(node)]
        skipped = set(itertools.chain.from_iterable(map(ast.walk, blocks)))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the direction"
            yield node.module


def layer_of(name):
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


MODULES = list(sources())
NAMES = [".".join(parts) for parts, _ in MODULES]


def test_every_part_of_the_package_has_a_place():
    found = {parts[0] for parts, _ in MODULES}
    assert found <= RANK.keys() | PLUGINS


@pytest.mark.parametrize(("parts", "tree"), MODULES, ids=NAMES)
def test_imports_point_down(parts, tree):
    own = parts[0]
    # The contract tells types of the layers above it to type checkers only.
    at_run_time = own == "interfaces"
    for name in imports(tree, at_run_time=at_run_time):
        if name.split(".")[0] != "vdproxy":
            continue
        target = layer_of(name)
        if own in PLUGINS:
            assert name == "vdproxy.api" or target == own, f"{own} imports {name}"
        elif target != own and not {target, own} <= LAYERS[CONTRACT]:
            assert RANK[target] < RANK[own], f"{own} imports {name}"


@pytest.mark.parametrize(("parts", "tree"), MODULES, ids=NAMES)
def test_the_lower_layers_know_little_of_the_world(parts, tree):
    outside = {
        name
        for name in imports(tree, at_run_time=True)
        if name.split(".")[0] in ("twisted", "zope")
    }
    if parts[0] in OUTSIDE:
        assert outside <= OUTSIDE[parts[0]]
    if parts[0] == "hub":
        assert outside <= set(HUB_OUTSIDE)


def test_only_one_module_catches_everything():
    catching = [
        ".".join(parts)
        for parts, tree in MODULES
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or getattr(node.type, "id", "") in ("Exception", "BaseException")
        )
    ]
    assert catching == ["hub.isolation"]
