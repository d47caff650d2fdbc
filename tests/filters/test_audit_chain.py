"""The audit filter in a hub: what real pastes, files and refusals leave behind."""

from __future__ import annotations

import json
import struct

import pytest
from zope.interface import implementer

from vdproxy.api import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
    Drop,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    Filter,
    IMessageFilter,
    MonitorsConfig,
    Reply,
)
from vdproxy.filters.audit import Options, make
from vdproxy.testing import Installed, ModelVM, logged

SECRET = b"nobody may read this"
GRAB = ClipboardGrab(0, (1,))
REQUEST = ClipboardRequest(0, 1)
GIVEN = Clipboard(0, 1, SECRET)
NONE = Clipboard(0, 0, b"")
START = FileXferStart(1, "nobody may read this.txt", len(SECRET))

ANNOUNCE, CLIPBOARD, FILE_DATA = 6, 4, 12

either_order = pytest.mark.parametrize("first", ["audit", "guard"])


@implementer(IMessageFilter)
class Guard(Filter):
    """Drops message types, those that come in and those that go out."""

    def __init__(self, incoming=(), outgoing=()):
        self._incoming = incoming
        self._outgoing = outgoing

    def incoming(self, peer, message):
        return Drop("not here") if message.number in self._incoming else None

    def outgoing(self, peer, message):
        return Drop("not there") if message.number in self._outgoing else None


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.json"


@pytest.fixture(autouse=True)
def _no_content(path):
    """Fail a test that finds what was carried in the log or in the file."""
    with logged() as events:
        yield
    assert events
    assert SECRET.decode() not in events.all_there_is
    assert not path.exists() or SECRET not in path.read_bytes()


def audited(path, guard=None, first="audit", **options):
    """Return a VM whose agent is up, with the filters in this order."""
    audit = Installed("audit", make(Options(path)), Options(path))
    filters = [audit, Installed("guard", guard or Guard(), None)]
    if first == "guard":
        filters.reverse()
    vm = ModelVM(filters=filters, name="fedora", **options)
    vm.agent.come_up()
    return vm


def written(path, *keys):
    """Return what the audit file says under these keys, a tuple a line."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [tuple(json.loads(line)[key] for key in keys) for line in lines]


def ends(path):
    keys = ("event", "direction", "source", "target", "client", "verdict")
    return written(path, *keys)


def paste(owner, other):
    """Have *other* paste what *owner* copies, and return what it is given."""
    owner.say(GRAB)
    other.heard()
    other.say(REQUEST)
    assert REQUEST in owner.heard()
    owner.say(GIVEN)
    return other.heard()


def test_a_paste_from_the_guest(path):
    vm = audited(path)
    assert paste(vm.agent, vm.client(name="ci")) == [GIVEN]
    assert ends(path) == [
        ("clipboard", "from-guest", "guest", "ci#1", "ci#1", "passed")
    ]
    assert written(path, "vm", "type", "selection", "size", "target_uid") == [
        ("fedora", "text", "clipboard", len(SECRET), 1000)
    ]


def test_each_client_that_pastes_has_its_line(path):
    vm = audited(path)
    one, other = vm.client(), vm.client()
    assert paste(vm.agent, one) == [GIVEN]
    other.say(REQUEST)
    vm.agent.say(GIVEN)
    assert GIVEN in other.heard()
    assert written(path, "source", "target") == [
        ("guest", "vdi#1"),
        ("guest", "vdi#2"),
    ]


def test_a_paste_in_the_guest(path):
    vm = audited(path)
    assert paste(vm.client(name="ci"), vm.agent) == [GIVEN]
    assert ends(path) == [("clipboard", "to-guest", "ci#1", "guest", "ci#1", "passed")]


def test_a_paste_from_another_client(path):
    vm = audited(path)
    assert paste(vm.client(), vm.client()) == [GIVEN]
    assert ends(path) == [
        ("clipboard", "between-clients", "vdi#1", "vdi#2", "vdi#1", "passed")
    ]


def test_that_there_is_nothing_to_paste_leaves_no_line(path):
    vm = audited(path)
    client = vm.client()
    client.heard()
    client.say(REQUEST)
    assert client.heard() == [NONE]
    assert ends(path) == []


def test_a_file_is_one_line(path):
    vm = audited(path)
    client = vm.client()
    client.say(START)
    (start,) = (m for m in vm.agent.heard() if isinstance(m, FileXferStart))
    vm.agent.say(FileXferStatus(start.id, 0))
    client.say(FileXferData(1, SECRET))
    assert FileXferData(start.id, SECRET) in vm.agent.heard()
    vm.agent.say(FileXferStatus(start.id, 3))
    assert ends(path) == [("file", "to-guest", "vdi#1", "guest", "vdi#1", "passed")]
    assert written(path, "size") == [(len(SECRET),)]


@either_order
def test_a_refused_file(path, first):
    vm = audited(path, Guard(incoming=[START.number]), first)
    client = vm.client()
    client.heard()
    client.say(START)
    assert client.heard() == [FileXferStatus(1, 7)]
    assert ends(path) == [("refusal", "from-client", "vdi#1", None, "vdi#1", "refused")]
    assert written(path, "message", "size", "filter", "reason") == [
        ("VD_AGENT_FILE_XFER_START", len(SECRET), "guard", "not here")
    ]


@either_order
def test_refused_file_data(path, first):
    vm = audited(path, Guard(outgoing=[FILE_DATA]), first)
    client = vm.client()
    client.say(START)
    (start,) = (m for m in vm.agent.heard() if isinstance(m, FileXferStart))
    vm.agent.say(FileXferStatus(start.id, 0))
    client.say(FileXferData(1, SECRET))
    assert written(path, "event", "direction", "size", "reason") == [
        ("file", "to-guest", len(SECRET), None),
        ("refusal", "to-guest", len(SECRET), "not there"),
    ]


@either_order
@pytest.mark.parametrize("way", ["incoming", "outgoing"])
def test_refused_clipboard_data_is_one_line_and_its_answer_none(path, first, way):
    vm = audited(path, Guard(**{way: [CLIPBOARD]}), first)
    client = vm.client()
    assert paste(vm.agent, client) == [NONE]
    target = {"incoming": None, "outgoing": "vdi#1"}[way]
    assert written(path, "event", "direction", "source", "target", "filter") == [
        ("refusal", "from-guest", "guest", target, "guard")
    ]
    assert written(path, "type", "size") == [("text", len(SECRET))]


@either_order
def test_other_refusals(path, first):
    vm = audited(path, Guard(incoming=[GRAB.number, MonitorsConfig.number]), first)
    client = vm.client()
    client.heard()
    client.say(GRAB, MonitorsConfig(0, ()))
    assert Reply(MonitorsConfig.number, 2) in client.heard()
    assert written(path, "event", "message", "type", "client") == [
        ("refusal", "VD_AGENT_CLIPBOARD_GRAB", "text", "vdi#1"),
        ("refusal", "VD_AGENT_MONITORS_CONFIG", None, "vdi#1"),
    ]


@either_order
def test_a_refused_offer(path, first):
    vm = audited(path, Guard(outgoing=[ANNOUNCE]), first)
    client = vm.client(negotiated=False)
    (offer,) = client.heard()
    assert isinstance(offer, AnnounceCapabilities)
    assert written(path, "event", "direction", "target", "message") == [
        ("refusal", "to-guest", "guest", "VD_AGENT_ANNOUNCE_CAPABILITIES"),
        ("refusal", "to-client", "vdi#1", "VD_AGENT_ANNOUNCE_CAPABILITIES"),
    ]


def test_what_cannot_be_read_is_refused_by_no_filter(path):
    vm = audited(path)
    client = vm.client()
    size = struct.pack("<IQ", 1, 3000) + SECRET
    header = struct.pack("<IIQI", 1, FILE_DATA, 0, len(size))
    client.feed(struct.pack("<II", 1, len(header + size)) + header + size)
    assert written(path, "event", "message", "size", "filter") == [
        ("refusal", "VD_AGENT_FILE_XFER_DATA", len(size), None)
    ]
    ((reason,),) = written(path, "reason")
    assert reason == f"file data of {len(SECRET)} bytes that claims 3000"


def test_what_is_over_max_message_is_refused_by_no_filter(path):
    vm = audited(path, max_message=len(SECRET) - 1)
    assert NONE in paste(vm.agent, vm.client())
    assert written(path, "event", "direction", "size", "filter", "reason") == [
        ("refusal", "from-guest", None, None, "over max-message")
    ]


def test_a_stopped_vm_leaves_no_timer_of_audit(path):
    vm = audited(path)
    paste(vm.agent, client := vm.client())
    assert vm.clock.getDelayedCalls() != []
    vm.hub.stop()
    client.leave()
    vm.agent.leave()
    assert vm.clock.getDelayedCalls() == []
