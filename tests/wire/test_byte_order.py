"""Nothing in the wire format may depend on the host it runs on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from vdproxy import wire

SOURCES = sorted(Path(wire.__file__).parent.rglob("*.py"))

FUNCTIONS = {
    "Struct",
    "calcsize",
    "iter_unpack",
    "pack",
    "pack_into",
    "unpack",
    "unpack_from",
}
HOST_ORDERED = {"array", "ctypes", "numpy", "sys"}


def nodes(source, kind):
    tree = ast.parse(source.read_text(encoding="utf-8"), str(source))
    return [node for node in ast.walk(tree) if isinstance(node, kind)]


def struct_formats(source):
    """Return the first argument of each call of a function of struct."""
    return [
        call.args[0]
        for call in nodes(source, ast.Call)
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "struct"
        and call.func.attr in FUNCTIONS
    ]


def first_text(node):
    """Return a literal's text, of an f-string what stands before its fields."""
    if isinstance(node, ast.JoinedStr):
        node = node.values[0]
    return getattr(node, "value", None)


def test_all_formats_are_found():
    found = [len(struct_formats(source)) for source in SOURCES]
    assert sum(found) > 20


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_struct_format_is_little_endian_without_padding(source):
    for node in struct_formats(source):
        text = first_text(node)
        assert isinstance(text, str), f"line {node.lineno}: not a literal"
        assert text.startswith("<"), f"line {node.lineno}: {text}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_struct_is_used_under_its_own_name(source):
    imports = [
        alias
        for node in nodes(source, ast.Import)
        for alias in node.names
        if alias.name == "struct"
    ]
    assert all(alias.asname is None for alias in imports)
    assert all(node.module != "struct" for node in nodes(source, ast.ImportFrom))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_nothing_is_read_in_the_hosts_byte_order(source):
    modules = {a.name for node in nodes(source, ast.Import) for a in node.names}
    modules |= {node.module for node in nodes(source, ast.ImportFrom)}
    assert not modules & HOST_ORDERED
    attributes = {node.attr for node in nodes(source, ast.Attribute)}
    assert not attributes & {"byteorder", "cast", "from_bytes", "to_bytes"}
