"""Which plugins are found, and what is said of those that cannot be used."""

from __future__ import annotations

import sys

import pytest

from vdproxy.makers import HandlerMaker
from vdproxy.registry import broken_files, cannot_be_used, find, find_all


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("handler", {"capabilities", "monitors"}),
        ("filter", {"audit"}),
        ("frontend", {"vdi"}),
    ],
)
def test_the_plugins_that_come_with_vdproxy_are_found(kind, names):
    registry = find(kind)
    assert names <= set(registry.makers)
    assert registry.problems == {}


@pytest.mark.parametrize("kind", ["handler", "filter", "frontend"])
def test_each_plugin_has_a_line_on_what_it_is_for(kind):
    for maker in find(kind).makers.values():
        assert maker.description
        assert "\n" not in maker.description


def test_a_third_plugin_is_found_without_importing_its_module(plugins):
    module = plugins.handler("guard", "raise RuntimeError('imported')\n")
    assert find("handler").makers["guard"].module == module
    assert module not in sys.modules


def test_a_plugin_is_of_its_own_kind_alone(plugins):
    plugins.declare("maker = FrontendMaker('web', 'm', 'A fixture.')\n")
    assert "web" not in find("handler").makers
    assert "web" in find("frontend").makers


def test_a_plugin_file_that_raises_hides_no_other(plugins, logged_failures):
    plugins.declare("raise RuntimeError('from a plugin file')\n")
    plugins.handler("guard", "")
    assert {"capabilities", "guard"} <= set(find("handler").makers)
    assert "from a plugin file" in logged_failures.pop()


def test_a_name_that_two_modules_claim_belongs_to_neither(plugins):
    for module in ("one", "two"):
        plugins.declare(f"maker = HandlerMaker('guard', '{module}', 'A fixture.')\n")
    registry = find("handler")
    assert "guard" not in registry.makers
    line = registry.problems["guard"]
    assert line.startswith("handler guard is declared twice, by ")
    assert line.split(" by ")[1] in ("one and two", "two and one")


def test_a_name_declared_three_times_belongs_to_nobody(plugins):
    for module in ("one", "two", "two"):
        plugins.declare(f"maker = HandlerMaker('guard', '{module}', 'A fixture.')\n")
    registry = find("handler")
    assert "guard" not in registry.makers
    assert "guard" in registry.problems


def test_the_same_declaration_twice_is_one_plugin(plugins):
    for _ in range(2):
        plugins.declare("maker = HandlerMaker('guard', 'one', 'A fixture.')\n")
    registry = find("handler")
    assert "guard" in registry.makers
    assert registry.problems == {}


@pytest.mark.parametrize("missing", ["description", "module"])
def test_a_maker_that_lacks_an_attribute_is_told(plugins, missing):
    plugins.declare(
        f"maker = HandlerMaker('guard', 'one', 'A fixture.')\ndel maker.{missing}\n"
    )
    registry = find("handler")
    assert "guard" not in registry.makers
    assert registry.problems == {
        "guard": "handler guard cannot be used: "
        f"HandlerMaker is no IHandlerMaker: {missing} is missing"
    }


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("maker.module = None\n", "its module is no text"),
        ("maker.description = 5\n", "its description is no text"),
        (
            "class Half(HandlerMaker):\n"
            "    module = property(lambda self: 1 / 0, lambda self, text: None)\n"
            "maker = Half('guard', 'm', 'A fixture.')\n",
            "ZeroDivisionError: division by zero",
        ),
        (
            "class Half(HandlerMaker):\n"
            "    def make(self):\n        pass\n"
            "maker = Half('guard', 'm', 'A fixture.')\n",
            "Half is no IHandlerMaker: make: implementation doesn't allow enough "
            "arguments",
        ),
    ],
)
def test_a_maker_that_is_not_as_it_must_be_is_told(plugins, lines, fault):
    plugins.declare(f"maker = HandlerMaker('guard', 'm', 'A fixture.')\n{lines}")
    registry = find("handler")
    assert "guard" not in registry.makers
    assert registry.problems == {"guard": f"handler guard cannot be used: {fault}"}


def test_a_maker_without_a_name_is_told_and_harms_no_other(plugins):
    plugins.declare("maker = HandlerMaker('x', 'one', 'A fixture.')\ndel maker.name\n")
    registry = find("handler")
    assert "capabilities" in registry.makers
    (line,) = registry.problems.values()
    assert "name" in line


def test_all_kinds_are_found_at_once(plugins):
    plugins.handler("guard", "")
    found = find_all()
    assert list(found) == ["handler", "filter", "frontend"]
    assert all(found[kind] == find(kind) for kind in found)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError("one\n\ttwo  three\n"), "OSError: one two three"),
        (KeyError(), "KeyError"),
    ],
)
def test_an_error_is_told_in_one_line(error, text):
    maker = HandlerMaker("guard", "some.module", "A fixture.")
    assert cannot_be_used("handler", maker, error) == (
        f"handler guard cannot be used: some.module: {text}"
    )


def test_plugin_files_that_can_be_imported_are_not_told(plugins):
    plugins.handler("guard", "")
    assert broken_files() == []


def test_each_plugin_file_that_cannot_be_imported_is_told(plugins):
    plugins.declare("import no_such_module\n")
    plugins.declare("raise SystemExit('good bye')\n")
    plugins.declare("")
    lines = [line.partition(" cannot be imported: ") for line in broken_files()]
    assert all(
        file.startswith("twisted/plugins/vdproxy_third_party_") for file, _, _ in lines
    )
    assert sorted(reason for _, _, reason in lines) == [
        "ModuleNotFoundError: No module named 'no_such_module'",
        "SystemExit: good bye",
    ]
