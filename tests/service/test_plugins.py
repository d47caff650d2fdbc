"""Plugins of other distributions: found, given their options, checked."""

from __future__ import annotations

import pytest

from tests.support import write
from vdproxy.service.settings import load

GUEST = "[vm:demo]\nguest = simulated:\n"
WITH_AUDIT = f"{GUEST}handlers = audit-log\n"

#: A handler with an option of each type that there is.
HANDLER = """
from __future__ import annotations
from dataclasses import dataclass
from typing import Literal
from zope.interface import implementer
from vdproxy.api import Handler, IMessageHandler, Size

@dataclass(frozen=True)
class Options:
    marker: str
    lowest: int = 1
    highest: int = 9
    share: float = 0.5
    loud: bool = False
    largest: Size = Size(1024)
    bound: int | None = None
    most: Size | None = None
    mode: Literal["fast", "safe"] = "safe"
    words: tuple[str, ...] = ("a",)
    sizes: tuple[Size, ...] = ()

    def __post_init__(self):
        if self.lowest > self.highest:
            raise ValueError("lowest is over highest")

@implementer(IMessageHandler)
class Audit(Handler):
    pass

def make(options):
    return Audit()
"""


@pytest.fixture
def options(tmp_path, monkeypatch, reactor, plugins):
    """Return the options that the handler audit-log has with this configuration."""
    plugins.handler("audit-log", HANDLER)
    monkeypatch.chdir(tmp_path)

    def options(*texts):
        vms = load([write(tmp_path, "".join(texts))], reactor).vms
        choices = next(vm.handlers for vm in vms if vm.name == "demo")
        return next(c.options for c in choices if c.name == "audit-log")

    return options


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("marker = PRIVATE 100% # one", "PRIVATE 100%"),
        ("highest = 12", 12),
        ("lowest = -3", -3),
        ("share = 0.25", 0.25),
        ("share = 1", 1.0),
        ("loud = yes", True),
        ("loud = ON", True),
        ("loud = False", False),
        ("largest = 2M", 2 * 1024 * 1024),
        ("bound = 5", 5),
        ("most = 4G", 4 * 1024**3),
        ("mode = fast", "fast"),
        ("words = one, two three", ("one", "two", "three")),
        ("words =", ()),
        ("sizes = 1K 2", (1024, 2)),
    ],
)
def test_an_option_is_read_as_its_annotation_says(options, line, value):
    key = line.split(" ")[0]
    text = f"{WITH_AUDIT}[handler:audit-log]\n{line}\n"
    if key != "marker":
        text += "marker = x\n"
    assert getattr(options(text), key) == value


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("highest = ten", "highest: 'ten' is not a whole number"),
        ("loud = loudly", "loud: 'loudly' is none of yes, true, on, no, false, off"),
        ("largest = 1T", "largest: '1T' is not a size, such as 512K, 100M or 4G"),
        ("most = 1T", "most: '1T' is not a size, such as 512K, 100M or 4G"),
        ("bound = none", "bound: 'none' is not a whole number"),
        ("mode = quick", "mode: 'quick' is none of fast, safe"),
        ("sizes = 1K, x", "sizes: 'x' is not a size, such as 512K, 100M or 4G"),
        ("loudd = yes", "loudd: unknown key, did you mean loud?"),
        ("lowest = 10", "lowest is over highest"),
    ],
)
def test_a_bad_option_is_one_line(options, problems, line, problem):
    text = f"{WITH_AUDIT}[handler:audit-log]\nmarker = x\n{line}\n"
    assert problems(text) == [f"vm.ini: [handler:audit-log] {problem}"]


def test_a_number_that_is_none_is_one_line(options, problems):
    text = f"{WITH_AUDIT}[handler:audit-log]\nmarker = x\nshare = half\n"
    (line,) = problems(text)
    assert line.startswith("vm.ini: [handler:audit-log] share: ")
    assert "'half'" in line


def test_the_section_of_one_vm_wins_key_by_key(options):
    every = "[handler:audit-log]\nmarker = all\nloud = yes\n"
    one = "[vm:demo handler:audit-log]\nmarker = one\nhighest = 20\n"
    read = options(f"{WITH_AUDIT}{every}{one}")
    assert (read.marker, read.loud, read.highest) == ("one", True, 20)


def test_the_order_of_the_sections_is_no_matter(options):
    every = "[handler:audit-log]\nmarker = all\n"
    one = "[vm:demo handler:audit-log]\nmarker = one\n"
    assert options(f"{one}{every}{WITH_AUDIT}").marker == "one"


def test_a_section_of_another_vm_is_no_matter(options):
    every = "[handler:audit-log]\nmarker = all\n"
    other = "[vm:two]\nguest = simulated:\n[vm:two handler:audit-log]\nmarker = two\n"
    assert options(f"{other}{every}", WITH_AUDIT).marker == "all"


@pytest.mark.parametrize(
    ("every", "one"),
    [("marker = x", "loud = yes"), ("loud = yes", "marker = x")],
)
def test_a_required_option_may_stand_in_either_section(options, every, one):
    sections = f"[handler:audit-log]\n{every}\n[vm:demo handler:audit-log]\n{one}\n"
    read = options(f"{WITH_AUDIT}{sections}")
    assert (read.marker, read.loud) == ("x", True)


def test_options_are_checked_as_a_whole_not_section_by_section(options):
    every = "[handler:audit-log]\nmarker = x\nhighest = 50\n"
    one = "[vm:demo handler:audit-log]\nlowest = 20\n"
    read = options(f"{WITH_AUDIT}{every}{one}")
    assert (read.lowest, read.highest) == (20, 50)


def test_a_section_of_a_handler_that_no_vm_names_is_checked_too(options, problems):
    text = f"{GUEST}[handler:audit-log]\nloudd = yes\nmarker = x\n"
    assert problems(text) == [
        "vm.ini: [handler:audit-log] loudd: unknown key, did you mean loud?"
    ]


def test_a_default_may_be_made_by_a_factory(tmp_path, reactor, plugins):
    module = HANDLER.replace("import dataclass\n", "import dataclass, field\n").replace(
        "    marker: str\n",
        "    marker: tuple[str, ...] = field(default_factory=tuple)\n",
    )
    plugins.handler("audit-log", module)
    (vm,) = load([write(tmp_path, WITH_AUDIT)], reactor).vms
    assert vm.handlers[-1].options.marker == ()


def test_a_handler_is_made_anew_for_each_vm(tmp_path, reactor, plugins):
    plugins.handler("audit-log", HANDLER)
    options = "[handler:audit-log]\nmarker = x\n"
    second = WITH_AUDIT.replace("demo", "two")
    path = write(tmp_path, WITH_AUDIT + second + options)
    one, two = (vm.handlers[-1].make() for vm in load([path], reactor).vms)
    assert type(one) is type(two)
    assert one is not two


def test_vms_without_sections_of_their_own_share_what_is_chosen(
    tmp_path, reactor, plugins
):
    made = tmp_path / "made"
    module = HANDLER.replace(
        "    return Audit()",
        f"""    with open({str(made)!r}, "a") as file:
        file.write("x")
    return Audit()""",
    )
    plugins.handler("audit-log", module)
    options = "[handler:audit-log]\nmarker = x\n"
    own = "[vm:own handler:audit-log]\nloud = yes\n"
    vms = [WITH_AUDIT.replace("demo", name) for name in ("own", "one", "two")]
    path = write(tmp_path, "".join((options, own, *vms)))
    settings = load([path], reactor)
    other, one, two = (vm.handlers[-1] for vm in settings.vms)
    assert one is two
    assert (one.options.loud, other.options.loud) == (False, True)
    assert made.read_text() == "xx"


def test_an_option_that_all_vms_lack_is_a_line_for_each(problems, plugins):
    plugins.handler("audit-log", HANDLER)
    second = WITH_AUDIT.replace("demo", "two")
    assert [line.partition("]")[0] for line in problems(WITH_AUDIT + second)] == [
        "vm.ini: [vm:demo handler:audit-log",
        "vm.ini: [vm:two handler:audit-log",
    ]


SIMPLE = """
from zope.interface import implementer
from vdproxy.api import *

@implementer(IMessageHandler)
class Simple(Handler):
    messages = (MESSAGES)

def make(options):
    return Simple()
"""


def test_a_handler_may_own_a_type_of_a_handler_that_is_not_enabled(
    tmp_path, reactor, plugins
):
    plugins.handler("screens", SIMPLE.replace("MESSAGES", "MonitorsConfig,"))
    path = write(tmp_path, f"{GUEST}handlers = screens\n")
    (vm,) = load([path], reactor).vms
    assert [choice.name for choice in vm.handlers] == ["capabilities", "screens"]


BROKEN = {
    "cannot be imported": "import there_is_no_such_module\n",
    "is no Python": "def (:\n",
    "has no make": "x = 1\n",
    "raises when made": "def make(options):\n    raise RuntimeError('no')\n",
    "makes something else": "def make(options):\n    return 42\n",
    "lacks a method": """
from zope.interface import implementer
from vdproxy.api import IMessageHandler

@implementer(IMessageHandler)
class Half:
    messages = ()

def make(options):
    return Half()
""",
    "owns no messages": SIMPLE.replace("MESSAGES", "'text',"),
    "relays no capabilities": SIMPLE.replace("MESSAGES", "")
    + "Simple.relayed = {40}\n",
    "relays a capability that no announcement has room for": SIMPLE.replace(
        "MESSAGES", ""
    )
    + "Simple.relayed = Capabilities.of(256)\n",
    "has a message without a number": SIMPLE.replace("MESSAGES", "Message,"),
    "has a message of type 0": SIMPLE.replace("MESSAGES", "Mine,").replace(
        "@implementer", "class Mine(Reply):\n    number = 0\n\n@implementer"
    ),
    "has a message of a type past 32 bits": SIMPLE.replace("MESSAGES", "Mine,").replace(
        "@implementer", "class Mine(Reply):\n    number = 2**32\n\n@implementer"
    ),
    "has a message twice": SIMPLE.replace("MESSAGES", "Reply, Reply"),
    "has a message of no size": SIMPLE.replace("MESSAGES", "Mine,").replace(
        "@implementer",
        "class Mine(Message):\n    number, decode = 99, Reply.decode\n\n@implementer",
    ),
    "has a message that cannot be read": SIMPLE.replace("MESSAGES", "Mine,").replace(
        "@implementer",
        "class Mine(Message):\n    number = 99\n    max_size = 9\n\n@implementer",
    ),
    "has options that are no dataclass": "class Options:\n    pass\n",
    "has an option of a type that no text spells": """
from dataclasses import dataclass

@dataclass(frozen=True)
class Options:
    marker: dict = None

def make(options):
    return None
""",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_handler_that_cannot_be_used_is_one_line(plugins, problems, text):
    plugins.handler("guard", text)
    (line,) = problems(f"{GUEST}handlers = monitors, guard\n")
    assert line.startswith("vm.ini: [vm:demo] handlers: handler guard cannot be used: ")


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_section_about_a_handler_that_cannot_be_used_is_no_traceback(
    plugins, problems, text
):
    plugins.handler("guard", text)
    section = "[handler:guard]\nmarker = x\n"
    lines = problems(f"{GUEST}handlers = monitors, guard\n{section}")
    assert any("handler guard cannot be used" in line for line in lines)


def test_a_maker_that_lacks_part_of_its_interface_is_one_line(plugins, problems):
    plugins.declare(
        "maker = HandlerMaker('guard', 'm', 'A fixture.')\ndel maker.description\n"
    )
    (line,) = problems(f"{GUEST}handlers = guard\n")
    assert line.startswith("vm.ini: [vm:demo] handlers: handler guard cannot be used: ")
    assert "description" in line
    assert "\n" not in line


def test_a_name_that_two_distributions_declare_is_one_line(plugins, problems):
    for module in ("one", "two"):
        plugins.declare(f"maker = HandlerMaker('guard', '{module}', 'A fixture.')\n")
    (line,) = problems(f"{GUEST}handlers = guard\n")
    assert line.startswith(
        "vm.ini: [vm:demo] handlers: handler guard is declared twice"
    )
    assert "one" in line
    assert "two" in line


def test_a_broken_plugin_that_no_vm_names_is_no_matter(tmp_path, reactor, plugins):
    plugins.handler("guard", BROKEN["cannot be imported"])
    assert load([write(tmp_path, GUEST)], reactor).vms


def test_a_third_frontend_can_be_chosen(tmp_path, reactor, plugins):
    module = plugins.module(
        "from vdproxy.frontends.vdi import VdiFrontend\n"
        "def make(options):\n    return VdiFrontend()\n"
    )
    plugins.declare(f"maker = FrontendMaker('other', {module!r}, 'A fixture.')\n")
    path = write(tmp_path, f"{GUEST}clients = other unix:a\n")
    (line,) = load([path], reactor).vms[0].clients
    assert line.frontend.name == "other"
