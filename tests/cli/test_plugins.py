"""``vdproxy plugins``: what there is, and what each takes."""

from __future__ import annotations

import pytest

from vdproxy.cli.main import main

GUARD = """
from dataclasses import dataclass
from zope.interface import implementer
from vdproxy.api import Handler, IMessageHandler, Size

@dataclass(frozen=True)
class Options:
    secret_word: str
    largest: Size = Size(2048)

@implementer(IMessageHandler)
class Guard(Handler):
    pass

def make(options):
    return Guard()
"""


@pytest.fixture
def listed(capsys):
    """Return status, out and err of ``vdproxy plugins`` with these arguments."""
    return lambda *arguments: (main(["plugins", *arguments]), *capsys.readouterr())


def test_what_comes_with_vdproxy_is_a_line_each(listed):
    status, out, err = listed()
    assert (status, err) == (0, "")
    lines = [line.split(maxsplit=2) for line in out.splitlines()]
    assert [line[:2] for line in lines if line[0] == "handler"] == [
        ["handler", "capabilities"],
        ["handler", "clipboard"],
        ["handler", "file-transfer"],
        ["handler", "monitors"],
        ["handler", "mouse"],
        ["handler", "display"],
        ["handler", "audio"],
        ["handler", "graphics-device"],
    ]
    assert ["frontend", "vdi"] in [line[:2] for line in lines]
    assert all(len(line) == 3 for line in lines)


def test_a_third_plugin_is_listed(listed, plugins):
    plugins.handler("guard", GUARD)
    status, out, _ = listed()
    assert status == 0
    assert "handler   guard            A fixture." in out.splitlines()


def test_a_plugin_is_explained_with_its_options(listed, plugins):
    module = plugins.handler("guard", GUARD)
    status, out, err = listed("guard")
    assert (status, err) == (0, "")
    first, where, *options = out.splitlines()
    assert first == "handler guard: A fixture."
    assert where == f"  module {module}"
    assert [line.split()[0] for line in options] == ["secret-word", "largest"]
    assert "required" in options[0]
    assert "default 2048" in options[1]


def test_the_types_of_options_are_told_as_text(listed, plugins):
    plugins.handler("guard", GUARD)
    _, out, _ = listed("guard")
    assert "<class" not in out
    assert "Size(" not in out
    assert "(str, " in out
    assert "(Size, " in out or "(vdproxy.options.Size, " in out


def test_a_plugin_without_options_is_explained(listed):
    status, out, _ = listed("mouse")
    assert status == 0
    assert out.splitlines()[1:] == ["  module vdproxy.handlers.mouse"]


def test_an_unknown_plugin_is_status_1_with_the_nearest(listed):
    assert listed("monitrs") == (
        1,
        "",
        "unknown plugin monitrs, did you mean monitors?\n",
    )


def test_a_name_of_two_kinds_is_explained_twice(listed, plugins):
    plugins.declare("maker = FrontendMaker('monitors', 'm', 'Another kind.')\n")
    status, out, _ = listed("monitors")
    assert status == 0
    assert "handler monitors: " in out
    assert "frontend monitors: Another kind." in out


def test_a_plugin_that_cannot_be_loaded_is_explained_as_such(listed, plugins):
    plugins.handler("guard", "import there_is_no_such_module\n")
    _, out, _ = listed("guard")
    assert "cannot be loaded" in out
    assert "there_is_no_such_module" in out


def test_options_that_are_no_dataclass_are_told_as_such(listed, plugins):
    plugins.handler("guard", "class Options:\n    pass\n")
    assert "cannot be loaded" in listed("guard")[1]


def test_a_default_that_is_made_by_a_factory_is_not_required(listed, plugins):
    plugins.handler(
        "guard",
        "from dataclasses import dataclass, field\n"
        "@dataclass(frozen=True)\n"
        "class Options:\n"
        "    words: tuple[str, ...] = field(default_factory=tuple)\n",
    )
    _, out, _ = listed("guard")
    assert "required" not in out
    assert "MISSING" not in out


def test_a_name_declared_twice_is_a_line_on_stderr_and_status_1(listed, plugins):
    for module in ("one", "two"):
        plugins.declare(f"maker = HandlerMaker('guard', '{module}', 'A fixture.')\n")
    status, out, err = listed()
    assert status == 1
    assert "guard" not in out
    assert err.startswith("handler guard is declared twice, by ")
    assert "monitors" in out


def test_a_name_declared_twice_is_explained_when_asked_for(listed, plugins):
    for module in ("one", "two"):
        plugins.declare(f"maker = HandlerMaker('guard', '{module}', 'A fixture.')\n")
    status, _, err = listed("guard")
    assert status == 1
    assert "handler guard is declared twice" in err
