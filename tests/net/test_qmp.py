"""QMP as a protocol: lines, answers, events, and all that is none of them."""

from __future__ import annotations

import json

import pytest
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.net.connections import Transport
from tests.net.model_qemu import GREETING, line
from tests.wire.feeding import byte_by_byte
from vdproxy.errors import RemoteProtocolError
from vdproxy.net.qmp import QMPClient

#: The greeting, the answer to the one question, and events around it.
SESSION = b"".join(
    [
        line(GREETING),
        line({"event": "RESUME", "timestamp": {}}),
        line({"return": {"running": True}}),
        line({"event": "VSERPORT_CHANGE", "data": {"id": "é\r\n", "open": True}}),
    ]
)
SESSION_TOLD = [
    "connected",
    "greeted",
    ("RESUME", None),
    {"running": True},
    ("VSERPORT_CHANGE", {"id": "é\r\n", "open": True}),
]

#: What is no QMP, after the greeting and a question, and what is said of it.
WRONG = {
    b"QEMU 7.2.22 monitor - type 'help' for more information\r\n": "a line is no JSON",
    b"\r\n": "a line is no JSON",
    b"\xff\xfe\r\n": "a line is no JSON",
    b"9" * 5000 + b"\n": "a line is no JSON",
    b"[" * 20_000 + b"\n": "a line is no JSON",
    b"[]\r\n": "a line is no object",
    b"null\n": "a line is no object",
    b"{}\r\n": "a line is neither answer nor event",
    line(GREETING): "a line is neither answer nor event",
    line({"event": 5}): "an event has no event, or none of the right kind",
    line({"return": 1}) + line({"return": 1}): "an answer to nothing that was asked",
    line({"error": None}): "a refusal has no class, or none of the right kind",
    line({"error": {"class": "A"}}): "a refusal has no desc, or none of the right kind",
    line({"error": {"class": "GenericError", "desc": "no\n" + "o" * 500}}): (
        "query-status refused: GenericError: no\\n" + "o" * 197
    ),
}


class Owner:
    """Asks one question when greeted, and writes down what it is told."""

    def __init__(self):
        self.told = []
        self.refuse = ""

    def connected(self, qmp):
        self.told.append("connected")

    def greeted(self, qmp):
        self.told.append("greeted")
        qmp.ask("query-status").addCallbacks(self.told.append, self._failed)

    def happened(self, qmp, event, data):
        self.told.append((event, data))
        if event == self.refuse:
            raise RemoteProtocolError("it is refused")

    def ended(self, qmp, reason):
        self.told.append(f"ended: {reason}")

    def _failed(self, failure):
        failure.trap(RemoteProtocolError)
        self.told.append(f"failed: {failure.getErrorMessage()}")


@pytest.fixture
def owner():
    return Owner()


@pytest.fixture
def transport():
    return Transport()


@pytest.fixture
def qmp(owner, transport):
    qmp = QMPClient(owner)
    transport.protocol = qmp
    qmp.makeConnection(transport)
    return qmp


def told(pieces):
    """Return what an owner is told of a stream in these pieces."""
    owner, transport = Owner(), Transport()
    qmp = transport.protocol = QMPClient(owner)
    qmp.makeConnection(transport)
    for piece in pieces:
        qmp.dataReceived(piece)
    return owner.told


def told_each_way(stream, following):
    """Return what is told of a stream however it comes, and with more behind it."""
    whole = told([stream])
    assert told(byte_by_byte(stream)) == whole
    return whole, told([stream + following])


def test_a_session_is_told_however_its_bytes_come():
    whole, more = told_each_way(SESSION, line({"event": "STOP"}))
    assert whole == SESSION_TOLD
    assert more == [*SESSION_TOLD, ("STOP", None)]


@pytest.mark.parametrize(("stream", "reason"), WRONG.items(), ids=range(len(WRONG)))
def test_what_is_no_qmp_ends_the_connection_however_it_comes(stream, reason):
    whole, more = told_each_way(line(GREETING) + stream, line({"event": "STOP"}))
    assert f"ended: {reason}" in whole
    assert whole[-1] in (f"ended: {reason}", f"failed: {reason}")
    assert more == whole


@pytest.mark.parametrize(
    "said", [{"event": "STOP"}, {"return": {}}, {"qmp": {}}], ids=str
)
def test_what_does_not_begin_with_a_greeting_is_no_qmp(said):
    assert told([line(said)]) == [
        "connected",
        "ended: it does not begin with QMP's greeting",
    ]


def test_a_line_of_the_largest_size_is_taken():
    said = line({"event": "A", "data": ""})
    filled = said.replace(b'""', b'"' + b"x" * (1024 * 1024 + 1 - len(said)) + b'"')
    assert len(filled) == 1024 * 1024 + 1
    assert told([line(GREETING), filled])[-1][0] == "A"


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_over_that_ends_the_connection_before_its_end_has_come(end):
    pieces = [line(GREETING), *[b"x" * 65536] * 16, b"x" + end]
    reason = "a line has over 1048576 bytes"
    assert told(pieces[:-1])[-1] == "greeted"
    assert told(pieces)[-2:] == [f"ended: {reason}", f"failed: {reason}"]


def test_a_command_is_a_line_with_its_arguments(qmp, transport):
    qmp.ask("qom-get", path="/machine", property="a\nb")
    (sent,) = transport.value().splitlines()
    assert json.loads(sent) == {
        "execute": "qom-get",
        "arguments": {"path": "/machine", "property": "a\nb"},
    }
    assert transport.value().endswith(b"\n")


def test_what_its_owner_refuses_ends_the_connection(qmp, owner, transport):
    owner.refuse = "STOP"
    qmp.dataReceived(line(GREETING) + line({"event": "STOP"}))
    assert owner.told[-2:] == ["ended: it is refused", "failed: it is refused"]
    assert transport.disconnected


def test_who_waits_for_an_answer_is_told_that_the_connection_has_ended(qmp, owner):
    qmp.dataReceived(line(GREETING))
    qmp.connectionLost(Failure(ConnectionDone()))
    assert owner.told[2:] == [
        "ended: Connection was closed cleanly.",
        "failed: Connection was closed cleanly.",
    ]


def test_what_stands_behind_an_error_in_the_same_read_is_not_heard(
    qmp, owner, transport
):
    # TCP's transport does not call itself disconnecting once it is aborted.
    transport.abortConnection = lambda: None
    qmp.dataReceived(line(GREETING) + b"what?\r\n" + line({"event": "STOP"}))
    assert owner.told[2:] == ["ended: a line is no JSON", "failed: a line is no JSON"]


def test_it_ends_once_and_hears_nothing_more(qmp, owner, transport):
    qmp.dataReceived(line(GREETING) + line({"return": {}}))
    qmp.end("enough")
    assert transport.disconnected
    qmp.end("too much")
    qmp.dataReceived(line({"event": "STOP"}))
    assert owner.told == ["connected", "greeted", {}, "ended: enough"]
