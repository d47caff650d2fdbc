"""What the documents say of the code is so."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from vdproxy.options import describe, key_of
from vdproxy.registry import find_all
from vdproxy.service.planned import KEYS, PLUGINS
from vdproxy.service.settings import ProcessOptions, VMOptions

ROOT = Path(__file__).parent.parent
DOCS = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}
README = (ROOT / "README.md").read_text()


def rows(text):
    """Yield the cells of each table row but the headings."""
    for line in text.splitlines():
        if line.startswith("|") and not set(line) <= set("|- "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def cited(row):
    """Yield each test file that a row cites, and each test with its file."""
    path = None
    for word in re.findall(r"`([^`]+)`", row[-1]):
        if word.endswith(".py"):
            path = word
            yield path, None
        elif word.startswith("test_"):
            yield path, word


CITED = [
    citation
    for page in ("protocol-support.md", "multiplexing.md")
    for row in rows(DOCS[page])
    for citation in cited(row)
]
HAZARDS = {
    row[0]: list(cited(row))
    for row in rows(DOCS["multiplexing.md"])
    if re.fullmatch(r"H\d+", row[0])
}


def test_tests_are_cited():
    assert len(CITED) > 20


@pytest.mark.parametrize(("path", "test"), CITED)
def test_a_test_that_is_cited_exists(path, test):
    text = (ROOT / "tests" / path).read_text()
    if test is not None:
        assert f"def {test}(" in text


def test_every_hazard_is_in_the_table_once():
    assert list(HAZARDS) == [f"H{number}" for number in range(1, 43)]


@pytest.mark.parametrize("hazard", HAZARDS)
def test_the_tests_of_a_hazard_name_its_number(hazard):
    shown = [(path, name) for path, name in HAZARDS[hazard] if name is not None]
    assert shown
    for path, name in shown:
        tree = ast.parse((ROOT / "tests" / path).read_text())
        (test,) = [n for n in ast.walk(tree) if getattr(n, "name", "") == name]
        assert re.search(rf"\b{hazard}\b", ast.get_docstring(test) or "")


@pytest.mark.parametrize("name", ["README.md", *DOCS])
def test_files_that_are_named_exist(name):
    text = README if name == "README.md" else DOCS[name]
    for path in re.findall(r"(?<!/)\b(?:docs|etc|tests|vdproxy)/[\w/-]+\.\w+", text):
        if path.endswith(".sock"):
            continue
        assert (ROOT / path).exists(), path
    for path in re.findall(r"`((?:wire|link|hub|handlers|service)/[\w./]+)`", text):
        assert (ROOT / "vdproxy" / path).exists() or (ROOT / "tests" / path).exists()


def test_every_key_is_in_the_configuration_page():
    text = DOCS["configuration.md"]
    keys = {
        key_of(field.name) for field in (*fields(VMOptions), *fields(ProcessOptions))
    }
    planned = {
        key_of(field.name)
        for plugins in PLUGINS.values()
        for options in plugins.values()
        for field in fields(options)
    }
    told = set(re.findall(r"`([a-z-]+)`", text))
    assert keys | planned <= told
    for kind in KEYS:
        assert set(KEYS[kind]) <= keys
    for row in rows(text.partition("## Options of plugins")[0]):
        assert row[0] == "key" or row[0].strip("`") in keys


OPTIONS = [
    (kind, name, describe(maker.options()))
    for kind, registry in find_all().items()
    for name, maker in registry.makers.items()
    if maker.module.startswith("vdproxy.") and fields(maker.options())
]


def test_there_are_plugins_with_options():
    assert {name for _, name, _ in OPTIONS} >= {"clipboard", "policy", "audit"}


@pytest.mark.parametrize(("kind", "name", "options"), OPTIONS)
def test_every_option_of_a_plugin_is_in_the_configuration_page(kind, name, options):
    (section,) = [
        section
        for section in DOCS["configuration.md"].split("\n### ")
        if re.match(rf"{kind}s? .*`{name}`", section, re.IGNORECASE)
    ]
    heading, *told = rows(section.partition("\n## ")[0])
    assert heading == ["key", "value", "default", "what it says"]
    assert told == [[f"`{o.key}`", o.kind, o.default, o.meaning] for o in options]


def test_the_configuration_page_tells_the_defaults_of_a_vm():
    text = DOCS["configuration.md"].partition("## Options of plugins")[0]
    told = {row[0].strip("`"): row[-1].strip("`") for row in rows(text)}
    defaults = {o.key: o.default for o in describe(VMOptions)}
    for key in ("max-clients", "max-message"):
        assert told[key] == defaults[key]
