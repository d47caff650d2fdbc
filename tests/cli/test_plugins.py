"""``vdproxy plugins``: what there is, and what each takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vdproxy import __version__
from vdproxy.cli.main import main
from vdproxy.options import describe
from vdproxy.registry import find_all

GUARD = """
from dataclasses import dataclass
from zope.interface import implementer
from vdproxy.api import Handler, IMessageHandler, Size, option

@dataclass(frozen=True)
class Options:
    secret_word: str
    largest: Size = option("the largest of all, bytes", Size(2048))

@implementer(IMessageHandler)
class Guard(Handler):
    pass

def make(options):
    return Guard()
"""
FILTER = """
from zope.interface import implementer
from vdproxy.api import Filter, IMessageFilter

@implementer(IMessageFilter)
class Guard(Filter):
    pass

def make(options):
    return Guard()
"""
FRONTEND = """
from vdproxy.frontends.vdi import VdiFrontend

def make(options):
    return VdiFrontend()
"""
OURS = f"vdproxy {__version__}"


@pytest.fixture
def listed(capsys):
    """Return status, out and err of ``vdproxy plugins`` with these arguments."""
    return lambda *arguments: (main(["plugins", *arguments]), *capsys.readouterr())


@pytest.fixture
def filters(plugins):
    """Declare a filter *name* by a FilterMaker with these arguments."""

    def declare(name, module_text=FILTER, more=""):
        module = plugins.module(module_text)
        plugins.declare(
            "from vdproxy.makers import FilterMaker\n"
            f"maker = FilterMaker({name!r}, {module!r}, 'A fixture.'{more})\n"
        )
        return module

    return declare


def distribution(folder, name, version, module):
    """Have *module* belong to an installed distribution."""
    info = folder / "modules" / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )
    (info / "top_level.txt").write_text(f"{module}\n")


def test_what_comes_with_vdproxy_is_a_line_each(listed):
    status, out, err = listed()
    assert (status, err) == (0, "")
    lines = [line.split(maxsplit=2) for line in out.splitlines()]
    assert [line[1] for line in lines if line[0] == "handler"] == [
        "capabilities",
        "clipboard",
        "file-transfer",
        "monitors",
        "mouse",
        "display",
        "audio",
        "graphics-device",
    ]
    assert ["filter", "audit"] in [line[:2] for line in lines]
    assert ["frontend", "vdi"] in [line[:2] for line in lines]
    assert all(rest.startswith(f"{OURS}  ") for _, _, rest in lines)


def test_the_columns_fit_the_longest_entry(listed, plugins, tmp_path):
    name = "a-handler-with-quite-a-long-name"
    distribution(tmp_path, "of-a-long-name", "1.0", plugins.handler(name, GUARD))
    lines = listed()[1].splitlines()
    assert f"handler   {name}  of-a-long-name 1.0  A fixture." in lines
    starts = {line.index(OURS) for line in lines if OURS in line}
    assert starts == {len(f"handler   {name}  ")}


def test_a_plugin_is_listed_with_its_distribution(listed, filters, tmp_path):
    distribution(tmp_path, "vdproxy-paste-guard", "1.0", filters("paste-guard"))
    (line,) = [line for line in listed()[1].splitlines() if "paste-guard" in line]
    assert line.split() == [
        *("filter", "paste-guard"),
        *("vdproxy-paste-guard", "1.0", "A", "fixture."),
    ]


def test_a_module_that_nobody_has_installed_is_of_no_distribution(listed, plugins):
    plugins.handler("guard", GUARD)
    (line,) = [line for line in listed()[1].splitlines() if "guard" in line]
    assert line.split()[2:4] == ["no", "distribution"]


def test_a_plugin_is_explained_with_its_options(listed, plugins, tmp_path):
    module = plugins.handler("guard", GUARD)
    distribution(tmp_path, "vdproxy-guard", "2.1", module)
    assert listed("guard") == (
        0,
        "handler guard: A fixture.\n"
        f"  from vdproxy-guard 2.1, module {module}\n"
        "  secret-word  text               required\n"
        "  largest      size such as 512K  default: 2K\n"
        "      the largest of all, bytes\n",
        "",
    )


def test_a_plugin_without_options_is_explained(listed):
    assert listed("mouse") == (
        0,
        "handler mouse: Merges the clients' pointers into the guest's one.\n"
        f"  from {OURS}, module vdproxy.handlers.mouse\n",
        "",
    )


def test_each_option_that_comes_with_vdproxy_has_a_meaning_of_one_line():
    makers = [m for registry in find_all().values() for m in registry.makers.values()]
    meanings = [o.meaning for maker in makers for o in describe(maker.options())]
    assert len(meanings) > len(makers)
    assert all(len(meaning.splitlines()) == 1 for meaning in meanings)


@pytest.mark.parametrize(("more", "told"), [("", 0), (", fails_closed=True", 1)])
def test_a_filter_that_fails_closed_says_so(listed, filters, more, told):
    filters("paste-guard", more=more)
    status, out, _ = listed("paste-guard")
    assert status == 0
    assert out.splitlines()[2:] == told * [
        "  fails closed: what it fails on is dropped"
    ]


def test_a_name_of_two_kinds_is_explained_twice(listed, plugins):
    module = plugins.module(FRONTEND)
    plugins.declare(f"maker = FrontendMaker('mouse', {module!r}, 'Another kind.')\n")
    status, out, _ = listed("mouse")
    assert status == 0
    assert [line for line in out.splitlines() if line[0] != " "] == [
        "handler mouse: Merges the clients' pointers into the guest's one.",
        "frontend mouse: Another kind.",
    ]


def test_an_unknown_plugin_is_status_1_with_the_nearest(listed):
    assert listed("monitrs") == (
        1,
        "",
        "unknown plugin monitrs, did you mean monitors?\n",
    )


def test_an_option_that_some_other_must_go_with_is_no_fault(listed, plugins):
    options = GUARD.replace("secret_word: str", "secret_word: str = ''").replace(
        "@implementer",
        "    def __post_init__(self):\n"
        "        if not self.secret_word:\n"
        "            raise ValueError('secret-word: or else')\n\n@implementer",
    )
    plugins.handler("guard", options)
    assert listed("guard")[::2] == (0, "")


BROKEN = {
    "cannot be imported": (
        "import no_such_module\n",
        "ModuleNotFoundError: No module named 'no_such_module'",
    ),
    "is no Python": (
        "def (:\n",
        "SyntaxError: invalid syntax (MODULE.py, line 1)",
    ),
    "says much": (
        "raise RuntimeError('one\\n  two\\n')\n",
        "RuntimeError: one two",
    ),
    "says nothing": ("raise RuntimeError\n", "RuntimeError"),
    "has options that are no dataclass": (
        "class Options:\n    pass\n",
        "TypeError: Options is no dataclass",
    ),
    "has an option of a type that is nowhere": (
        GUARD.replace("secret_word: str", "secret_word: 'Missing'"),
        "NameError: name 'Missing' is not defined",
    ),
    "has an option that no text spells": (
        GUARD.replace("secret_word: str", "secret_word: dict"),
        "TypeError: an option cannot be of type <class 'dict'>",
    ),
    "raises when its options are filled": (
        GUARD.replace("secret_word: str", "secret_word: str = ''").replace(
            "@implementer",
            "    def __post_init__(self):\n        1 / 0\n\n@implementer",
        ),
        "ZeroDivisionError: division by zero",
    ),
    "has no make": (
        "x = 1\n",
        "AttributeError: module 'MODULE' has no attribute 'make'",
    ),
    "raises when made": (
        "def make(options):\n    raise OSError('no')\n",
        "OSError: no",
    ),
    "makes something else": (
        "def make(options):\n    return 42\n",
        "int is no IMessageHandler",
    ),
    "makes a filter": (FILTER, "Guard is no IMessageHandler"),
    "makes something that owns no messages": (
        GUARD.replace("    secret_word: str\n", "").replace("pass", "messages = (1,)"),
        "1 is no message class",
    ),
}


@pytest.mark.parametrize(("text", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_plugin_that_cannot_be_used_is_a_line_and_status_1(
    listed, plugins, text, reason
):
    module = plugins.handler("guard", text)
    problem = reason.replace("MODULE", module)
    line = f"handler guard cannot be used: {module}: {problem}\n"
    status, out, err = listed()
    assert (status, err) == (1, line)
    assert "guard" not in out
    assert "monitors" in out
    explained = f"handler guard: A fixture.\n  from no distribution, module {module}\n"
    assert listed("guard") == (1, explained, line)


@pytest.mark.parametrize("kind", ["FilterMaker", "FrontendMaker"])
def test_plugins_of_each_kind_are_tried(listed, plugins, kind):
    module = plugins.module("def make(options):\n    return 42\n")
    plugins.declare(
        "from vdproxy.makers import FilterMaker\n"
        f"maker = {kind}('guard', {module!r}, 'A fixture.')\n"
    )
    status, _, err = listed()
    assert status == 1
    assert f" guard cannot be used: {module}: int is no I" in err


def test_a_plugin_that_is_asked_for_has_no_part_in_the_faults_of_others(
    listed, plugins
):
    plugins.handler("guard", "import no_such_module\n")
    assert listed("mouse")[::2] == (0, "")


@pytest.mark.parametrize("arguments", [(), ("guard",)])
def test_a_name_declared_twice_is_a_line_and_status_1(listed, plugins, arguments):
    for module in ("one", "two"):
        plugins.declare(f"maker = HandlerMaker('guard', '{module}', 'A fixture.')\n")
    status, out, err = listed(*arguments)
    assert status == 1
    assert "guard" not in out
    assert err in (
        "handler guard is declared twice, by one and two\n",
        "handler guard is declared twice, by two and one\n",
    )


def test_a_maker_that_lacks_something_is_a_line_and_status_1(listed, plugins):
    plugins.declare(
        "maker = HandlerMaker('guard', 'one', 'A fixture.')\ndel maker.description\n"
    )
    line = (
        "handler guard cannot be used: "
        "HandlerMaker is no IHandlerMaker: description is missing\n"
    )
    assert listed()[::2] == (1, line)
    assert listed("guard") == (1, "", line)


FILES = {
    "import no_such_module\n": "ModuleNotFoundError: No module named 'no_such_module'",
    "from vdproxy import nothing\n": "ImportError: cannot import name 'nothing'",
    "def (:\n": "SyntaxError: invalid syntax",
    "raise RuntimeError('one\\ntwo')\n": "RuntimeError: one two",
    "raise SystemExit(3)\n": "SystemExit: 3",
}


@pytest.fixture
def lonely(tmp_path):
    """Run ``vdproxy`` as a process that finds this plugin file, vdproxy_guard.py."""

    def run(text, *arguments):
        folder = tmp_path / "twisted" / "plugins"
        folder.mkdir(parents=True)
        (folder / "vdproxy_guard.py").write_text(text)
        return subprocess.run(
            [sys.executable, "-m", "vdproxy.cli.main", *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run


@pytest.mark.parametrize(("text", "reason"), FILES.items())
def test_a_plugin_file_that_cannot_be_imported_is_a_line_and_status_1(
    lonely, text, reason
):
    done = lonely(text, "plugins")
    assert done.returncode == 1
    assert "monitors" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        f"twisted/plugins/vdproxy_guard.py cannot be imported: {reason}"
    )


def test_an_unknown_name_may_stand_in_a_file_that_cannot_be_imported(lonely):
    done = lonely("raise RuntimeError('no')\n", "plugins", "monitrs")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "unknown plugin monitrs, did you mean monitors?",
        "twisted/plugins/vdproxy_guard.py cannot be imported: RuntimeError: no",
    ]


def test_a_known_name_has_no_part_in_files_that_cannot_be_imported(lonely):
    done = lonely("raise RuntimeError('no')\n", "plugins", "mouse")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_configuration_that_names_an_unknown_plugin_tells_such_files(
    lonely, tmp_path
):
    (tmp_path / "vm.ini").write_text(
        "[vm:demo]\nguest = simulated:\nhandlers = monitrs\n"
    )
    done = lonely("raise RuntimeError('no')\n", "check", "-c", "vm.ini")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "vm.ini: [vm:demo] handlers: unknown handler monitrs, did you mean monitors?; "
        "twisted/plugins/vdproxy_guard.py cannot be imported: RuntimeError: no\n"
    )
