"""
Either role of a link, and a peer that says anything at any moment.

The first byte of an input says which role, the second what we offer; then come the
steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fuzz.memory import kept
from fuzz.speech import OFFERS, Input, announcement, message, speech
from fuzz.wire import check_value
from vdproxy.errors import LocalProtocolError, RemoteProtocolError
from vdproxy.link.client import ClientLink
from vdproxy.link.events import AgentLost, AgentUp
from vdproxy.link.guest import GuestLink
from vdproxy.testing import LINUX_AGENT
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import CLIENT_FRAMING, ChunkReader, CutMessage, RawMessage
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import Capability
from vdproxy.wire.messages import AnnounceCapabilities, Message

_Link = ClientLink | GuestLink

_CODEC = Codec(max_message=200)

#: Bytes that a guest's link may keep to look for a new agent in, besides the last
#: that it has read.
_SEARCHED = 2048

_SINGLE_BYTES = 300

_BY_DEMAND = Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND
_SELECTION = Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION


class Came(NamedTuple):
    """What came of a stream: events, what the link said, and why it ended, if so."""

    events: list[object]
    said: bytes
    error: str


def check(data: bytes) -> None:
    """Check what becomes of an input."""
    given = Input(data)
    if given.number(2):
        _check_client(given)
    else:
        _check_guest(given)


class Ear:
    """Reads what a link says, as its peer would."""

    def __init__(self, link: _Link) -> None:
        self._link = link
        self._reader = ChunkReader(CLIENT_FRAMING, _CODEC.limit, _CODEC.data_offset)
        self.hear()

    def hear(self) -> list[RawMessage]:
        """Return the messages that the link has to say of itself."""
        return self.read(self._link.messages_to_send())

    def read(self, messages: Iterable[CutMessage]) -> list[RawMessage]:
        """Return messages as they are read, all of them whole."""
        heard = []
        for cut in messages:
            self._reader.receive_data(b"".join(cut))
            raw = self._reader.next_event()
            assert isinstance(raw, RawMessage)
            assert self._reader.next_event() is None
            assert not self._reader.unfinished, "half a message was said"
            heard.append(raw)
        return heard


def _check_client(given: Input) -> None:
    offer = given.one_of(OFFERS)
    link = _client(offer)
    ear = Ear(link)
    stream = b""
    only_listened = True
    try:
        while given.left:
            if given.number(8) == 7:
                only_listened = False
                link.offer(given.one_of(OFFERS))
                _say(link, ear, message(given))
            else:
                said = speech(given, _layout(link))
                stream += said
                link.receive_data(said)
            _read(link)
            ear.hear()
        assert kept(link) <= len(stream)
    except RemoteProtocolError:
        pass
    if only_listened:
        whole = _converse(_client(offer), [stream])
        singly = _converse(_client(offer), _singly(stream))
        assert singly == whole, f"byte by byte {singly}, whole {whole}"
        assert not whole.error or ", at byte " in whole.error


def _hint(link: GuestLink, given: Input) -> None:
    kind = given.number(3)
    if kind == 2:
        link.doubt("a hint")
    else:
        link.expect_another(is_there=kind == 1)


def _check_guest(given: Input) -> None:
    offer = given.one_of(OFFERS)
    if _SELECTION not in offer:
        offer -= Capabilities.of(_BY_DEMAND)
    link = GuestLink(_CODEC, offer)
    ear = Ear(link)
    stream = b""
    up = False
    while given.left:
        step = given.number(16)
        if step == 15:
            link.quiet()
        elif step == 14:
            link.ask_again()
        elif step == 13:
            _say(link, ear, message(given))
        elif step == 12:
            _hint(link, given)
        else:
            said = speech(given, _layout(link))
            stream += said
            link.receive_data(said)
        for event in _events(link):
            if isinstance(event, AgentUp | AgentLost):
                assert up is isinstance(event, AgentLost), f"{event} out of turn"
                up = not up
        assert up == link.synced
        ear.hear()
    assert kept(link) <= 2 * len(stream) + _SEARCHED
    _check_comes_up(link, ear)
    _check_cuts(offer, stream)


def _check_comes_up(link: GuestLink, ear: Ear) -> None:
    """Check that a new agent that keeps to the protocol is met, whatever was before."""
    link.receive_data(announcement(1, LINUX_AGENT))
    _read(link)
    link.quiet()
    _read(link)
    ear.hear()
    link.receive_data(announcement(0, LINUX_AGENT))
    _read(link)
    link.ask_again()
    if any(raw.number == AnnounceCapabilities.number for raw in ear.hear()):
        link.receive_data(announcement(0, LINUX_AGENT))
        _read(link)
    assert link.synced, "a new agent is not met"
    assert link.announced == LINUX_AGENT


def _check_cuts(offer: Capabilities, stream: bytes) -> None:
    """
    Check that a stream reads the same byte by byte, while there is one agent.

    A new one inside its predecessor's message may be known sooner or later.
    """
    stream = announcement(0, LINUX_AGENT) + stream
    whole = _converse(GuestLink(_CODEC, offer), [stream])
    singly = _converse(GuestLink(_CODEC, offer), _singly(stream))
    if not any(isinstance(event, AgentLost) for event in whole.events + singly.events):
        assert singly == whole, f"byte by byte {singly}, whole {whole}"


def _client(offer: Capabilities) -> ClientLink:
    link = ClientLink(_CODEC)
    link.offer(offer)
    return link


def _converse(link: _Link, pieces: Iterable[bytes]) -> Came:
    """Return what comes of a stream that is read in *pieces*."""
    events: list[object] = []
    error = ""
    try:
        for piece in pieces:
            link.receive_data(piece)
            events.extend(_events(link))
        if isinstance(link, GuestLink):
            link.quiet()
            events.extend(_events(link))
    except RemoteProtocolError as broken:
        error = str(broken)
    return Came(events, b"".join(map(b"".join, link.messages_to_send())), error)


def _singly(stream: bytes) -> Iterator[bytes]:
    """Yield the bytes of a stream one by one, but its end, if it is long, in one."""
    for byte in stream[:_SINGLE_BYTES]:
        yield bytes([byte])
    yield stream[_SINGLE_BYTES:]


def _events(link: _Link) -> Iterator[object]:
    while (event := link.next_event()) is not None:
        yield event


def _read(link: _Link) -> None:
    deque(_events(link), maxlen=0)


def _layout(link: _Link) -> Layout:
    return Layout.between(link.offered, link.announced)


def _say(link: _Link, ear: Ear, said: Message) -> None:
    """Have a link say something, if that can be said; its peer can read it."""
    try:
        cut = link.encode(said)
    except LocalProtocolError:
        return
    ear.hear()
    (raw,) = ear.read([cut])
    _CODEC.decode(raw, _layout(link))
    check_value(_CODEC, raw, _layout(link))
