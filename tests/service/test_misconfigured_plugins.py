"""Every way in which a plugin cannot be had, and the very lines that say so."""

from __future__ import annotations

import pytest

from tests.service.twistd import run
from tests.support import write

VM = "[vm:demo]\nguest = simulated:\n"

GUARD = """
from dataclasses import dataclass
from zope.interface import implementer
from vdproxy.api import Handler, IMessageHandler, MonitorsConfig

@dataclass(frozen=True)
class Options:
    lowest: int = 1
    highest: int = 9

    def __post_init__(self):
        if self.lowest > self.highest:
            raise ValueError("lowest: over highest\\nhighest: under lowest")

@implementer(IMessageHandler)
class Guard(Handler):
    pass

def make(options):
    return Guard()
"""

#: The module of a handler guard, what follows ``handlers = monitors, guard``, and
#: all that is wrong in vm.ini.
PLUGIN_MISTAKES = {
    "cannot be imported": (
        "import no_such_module\n",
        "",
        [
            "[vm:demo] handlers: handler guard cannot be used: MODULE: "
            "ModuleNotFoundError: No module named 'no_such_module'"
        ],
    ),
    "cannot be made": (
        "def make(options):\n    raise RuntimeError('no\\n  way')\n",
        "",
        [
            "[vm:demo] handlers: handler guard cannot be used: MODULE: "
            "RuntimeError: no way"
        ],
    ),
    "is something else": (
        "def make(options):\n    return 42\n",
        "",
        [
            "[vm:demo] handlers: handler guard cannot be used: MODULE: "
            "int is no IMessageHandler"
        ],
    ),
    "lacks what a handler has": (
        GUARD.replace("Guard(Handler):\n    pass", "Guard:\n    messages = ()"),
        "",
        [
            "[vm:demo] handlers: handler guard cannot be used: MODULE: "
            "Guard is no IMessageHandler: "
            + ", ".join(
                f"{name} is missing"
                for name in (
                    *("relayed", "provided", "start", "stop"),
                    *("guest_up", "guest_lost", "client_ready", "client_left"),
                    *("received", "dropped", "withheld"),
                )
            )
        ],
    ),
    "owns what another does": (
        GUARD.replace("    pass", "    messages = (MonitorsConfig,)"),
        "",
        [
            "[vm:demo] handlers: monitors and guard both own VD_AGENT_MONITORS_CONFIG",
        ],
    ),
    "needs an option": (
        GUARD.replace("lowest: int = 1", "lowest: int"),
        "",
        ["[vm:demo handler:guard] lowest: missing"],
    ),
    "needs an option that its section lacks": (
        GUARD.replace("lowest: int = 1", "lowest: int"),
        "[handler:guard]\nhighest = 3\n",
        ["[handler:guard] lowest: missing"],
    ),
    "refuses its options": (
        GUARD,
        "[handler:guard]\nlowest = 10\n",
        [
            "[handler:guard] lowest: over highest",
            "[handler:guard] highest: under lowest",
        ],
    ),
    "refuses options of two sections": (
        GUARD,
        "[handler:guard]\nhighest = 3\n[vm:demo handler:guard]\nlowest = 4\n",
        [
            "[vm:demo handler:guard] lowest: over highest",
            "[handler:guard] highest: under lowest",
        ],
    ),
    "refuses its options and does not say why": (
        GUARD.replace('"lowest: over highest\\nhighest: under lowest"', ""),
        "[handler:guard]\nlowest = 10\n",
        ["[handler:guard] refused without a reason"],
    ),
    "fails over its options": (
        GUARD.replace("raise ValueError", "raise KeyError"),
        "[handler:guard]\nlowest = 10\n",
        [
            "[vm:demo] handlers: handler guard cannot be used: MODULE: "
            r"KeyError: 'lowest: over highest\nhighest: under lowest'"
        ],
    ),
}


@pytest.mark.parametrize(
    ("module_text", "sections", "lines"), PLUGIN_MISTAKES.values(), ids=PLUGIN_MISTAKES
)
def test_a_plugin(plugins, problems, module_text, sections, lines):
    module = plugins.handler("guard", module_text)
    text = f"{VM}handlers = monitors, guard\n{sections}"
    assert problems(text) == [
        f"vm.ini: {line}".replace("MODULE", module) for line in lines
    ]


def test_a_filter_that_fails_over_the_options_for_some_client(plugins, problems):
    module = plugins.module(
        GUARD.replace("raise ValueError", "raise KeyError")
        .replace("IMessageHandler", "IMessageFilter")
        .replace("Handler", "Filter")
    )
    plugins.declare(
        "from vdproxy.makers import FilterMaker\n"
        f"maker = FilterMaker('guard', {module!r}, 'A fixture.')\n"
    )
    text = f"{VM}clients = vdi unix:a as ci\nfilters = guard\n"
    section = "[vm:demo client:ci filter:guard]\nlowest = 10\n"
    assert problems(f"{text}{section}") == [
        f"vm.ini: [vm:demo] filters: filter guard cannot be used: {module}: "
        r"KeyError: 'lowest: over highest\nhighest: under lowest'"
    ]


def test_an_unknown_name_beside_a_plugin_file_that_cannot_be_imported(tmp_path):
    folder = tmp_path / "twisted" / "plugins"
    folder.mkdir(parents=True)
    (folder / "vdproxy_paste_guard.py").write_text("import no_such_module\n")
    write(tmp_path, f"{VM}filters = paste-guard\n")
    done = run(tmp_path, "-c", "vm.ini", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    # Before it stands what twistd says of every such file.
    assert done.stderr.splitlines()[-1] == (
        "vm.ini: [vm:demo] filters: unknown filter paste-guard, "
        "known are audit, policy; twisted/plugins/vdproxy_paste_guard.py cannot be "
        "imported: ModuleNotFoundError: No module named 'no_such_module'"
    )
