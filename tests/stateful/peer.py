"""What model clients and the model agent have in common: a link and clipboards."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.stateful.grab import FILE_LIST, NONE, TAG, Asked, Content, Heard
from tests.stateful.owed import Owed
from tests.stateful.serials import Rule, Serials
from tests.stateful.wire import Wire
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    Message,
)

if TYPE_CHECKING:
    from tests.stateful.room import Room

ANNOUNCE = 6

BY_DEMAND, SELECTION, NO_RELEASE, SERIAL = 5, 6, 16, 17

#: Seconds after which the hub takes an answer for one to its next question, and
#: seconds within which it answers one.
SLOT_SECONDS = 5.0
ANSWER_SECONDS = 2.6


class ModelPeer:
    """
    A peer of the hub that keeps to the protocol.

    It hears nothing while ``asleep``. ``rest`` is what it has not said yet of a
    message that it has begun.
    """

    #: The hub's end of this link.
    hub_side: Any

    def __init__(self, room: Room, name: str, word: int, rule: Rule) -> None:
        self.room = room
        self.name = name
        self.word = Capabilities(word)
        self.hub_word: Capabilities | None = None
        self.wire = Wire(room.codec)
        self.asleep = False
        #: Whether the hub still takes this peer for the one that was here before.
        self.unnoticed = False
        self.rest = b""
        self.owed = Owed(name)
        self.serials = Serials(rule)
        self.clipboards: defaultdict[int, Heard] = defaultdict(Heard)
        self._lagged_at = 0.0

    def __repr__(self) -> str:
        return self.name

    @property
    def layout(self) -> Layout:
        return Layout.between(self.word, self.hub_word)

    def agreed(self, capability: int) -> bool:
        return self.layout.agreed(capability)

    @property
    def ready(self) -> bool:
        """Whether both ends have said what they can do."""
        raise NotImplementedError

    @property
    def current(self) -> bool:
        """Whether this peer and the hub have heard all that the other has said."""
        return not (self.asleep or self.wire.full or self.rest or self.hub_side.paused)

    def reaches(self, selection: int) -> bool:
        """Tell whether this selection can be talked about on this link."""
        return BY_DEMAND in self.word and (selection == 0 or self.agreed(SELECTION))

    def owns(self, selection: int) -> bool:
        """Tell whether it thinks to own a selection."""
        view = self.clipboards[selection].view
        return view is not None and view.owner is self

    # Saying and hearing.

    def say(self, message: Message, port: int = 1, *, half: bool = False) -> None:
        """Say *message*, after what is left of the one before; *half* of it only."""
        self.room.count("to the hub", self, message)
        data = self.wire.spell(message, self.layout, port)
        size = len(data) // 2 if half else len(data)
        self.finish()
        self.rest = data[size:]
        self.hub_side.receive_data(data[:size])
        if half and isinstance(message, Clipboard):
            self.room.progress = self.room.now

    def finish(self) -> None:
        """Say the rest of what was begun."""
        if self.rest:
            rest, self.rest = self.rest, b""
            self.hub_side.receive_data(rest)
            self.room.progress = self.room.now

    def hear(self) -> bool:
        """Act on what has come; tell whether that was anything."""
        if self.asleep or not self.wire.feed():
            return False
        while (raw := self.wire.next()) is not None:
            if self.unnoticed and raw.number != ANNOUNCE:
                continue
            message = self.wire.decode(raw, self.layout)
            self.room.count("from the hub", self, message)
            self.hear_message(message, raw.port)
        return True

    @property
    def _catches_up(self) -> bool:
        """Whether what it hears may have been said before what it said last."""
        return self._lagged_at == self.room.now

    def wake(self) -> None:
        self.asleep = False
        self._lagged_at = self.room.now

    def drain(self) -> None:
        self.wire.drain()
        self._lagged_at = self.room.now

    def hear_message(self, message: Message, port: int) -> None:
        match message:
            case ClipboardGrab():
                self._hear_grab(message)
            case ClipboardRelease(selection=selection):
                self._hear_release(selection)
            case ClipboardRequest(selection=selection, type=kind):
                self._hear_request(selection, kind)
            case Clipboard(selection=selection, type=kind, data=data):
                self._hear_clipboard(selection, kind, data)
            case AnnounceCapabilities():
                self.hear_announcement(message)
            case _:
                raise AssertionError(f"{self} was sent {message}")

    def hear_announcement(self, message: AnnounceCapabilities) -> None:
        raise NotImplementedError

    def check(self) -> None:
        """Check what holds at any time."""
        progress = self.room.progress
        self.owed.check(self.room.now, current=self.can_expect, progress=progress)

    @property
    def can_expect(self) -> bool:
        """Whether this peer can expect answers now."""
        return self.current and self.ready

    def begin_clipboards(self) -> None:
        """Be as if there had been no GRABs."""
        self.clipboards.clear()
        self.owed.make_void(in_flight=not self.current)

    # What a user does.

    def grab(self, selection: int, types: tuple[int, ...]) -> None:
        """Own a selection from now on."""
        grab = self.room.new_grab(self, selection, types)
        heard = self.clipboards[selection]
        heard.view = grab
        heard.ambiguous = not self.agreed(SERIAL) and not self.current
        serial = self.serials.next(selection) if self.agreed(SERIAL) else None
        self.say(ClipboardGrab(selection, grab.types, serial))
        self.room.grabbed(grab)

    def release(self, selection: int) -> None:
        """Own a selection no more."""
        heard = self.clipboards[selection]
        if self.owns(selection):
            heard.view = None
            heard.ambiguous = not self.agreed(SERIAL) and not self.current
        self.say(ClipboardRelease(selection))

    def paste(self, selection: int, kind: int) -> None:
        """Ask for a selection as a type."""
        self.owed.ask(
            ("clipboard", selection),
            self.room.now,
            ANSWER_SECONDS,
            patient=self.agreed(SERIAL) or self is not self.room.agent,
        )
        self.say(ClipboardRequest(selection, kind))

    @property
    def pending(self) -> list[tuple[int, Asked]]:
        """What the hub has asked for that has not been answered."""
        return [(s, asked) for s, h in self.clipboards.items() for asked in h.asked]

    def answer(self, which: int, how: str, size: int, *, half: bool) -> None:
        """Answer one of the pending questions in one of the ways there are."""
        pending = self.pending
        selection, asked = pending[which % len(pending)]
        heard = self.clipboards[selection]
        heard.asked.remove(asked)
        self.room.progress = self.room.now
        late = (
            asked.time <= self._lagged_at
            or self.room.now - asked.time > SLOT_SECONDS - 0.01
        )
        if late:
            # The hub takes it for the answer to its last question.
            for other in heard.asked:
                other.time = -SLOT_SECONDS
        grab = heard.view if how == "now" else asked.grab
        if how == "none" or grab is None or grab.owner is not self:
            self.say(Clipboard(selection, NONE, b""))
            return
        kind = 3 - asked.type if how == "other" else asked.type
        data = Content(grab.number, kind, late).spell(size)
        self.say(Clipboard(selection, kind, data), half=half)

    # What the hub says of clipboards.

    def _check_may_hear(self, selection: int) -> None:
        assert self.ready, f"{self} is not ready"
        assert self.reaches(selection), f"{self} knows no selection {selection}"
        assert selection in self.room.selections

    def _hear_grab(self, message: ClipboardGrab) -> None:
        self._check_may_hear(message.selection)
        heard = self.clipboards[message.selection]
        tags = [kind for kind in message.types if kind >= TAG]
        assert len(tags) == 1, message
        grab = self.room.grabs[tags[0] - TAG]
        assert grab.offered == message.types
        assert grab.selection == message.selection
        assert grab.owner is not self, f"{self} was sent its own {grab}"
        assert self.room.may_paste(self, grab.owner), f"{self} was sent {grab}"
        heard.told = grab
        if message.serial is None or self.serials.hear(grab.selection, message.serial):
            heard.view = grab

    def _hear_release(self, selection: int) -> None:
        self._check_may_hear(selection)
        heard = self.clipboards[selection]
        assert heard.told or self._catches_up, f"{self} was told of nothing to release"
        heard.told = None
        if heard.view is not None and heard.view.owner is not self:
            heard.view = None

    def _hear_request(self, selection: int, kind: int) -> None:
        self._check_may_hear(selection)
        heard, now = self.clipboards[selection], self.room.now
        for asked in heard.asked:
            assert (
                asked.time <= self._lagged_at or now - asked.time > SLOT_SECONDS - 0.01
            ), f"{self} was asked twice"
        owned = [g for g in self.room.grabs if g.owner is self]
        assert any(kind in g.offered and g.selection == selection for g in owned), (
            f"{self} was asked for {kind}, which it never had"
        )
        grab = heard.view if self.owns(selection) else None
        heard.asked.append(Asked(kind, now, grab))

    def _hear_clipboard(self, selection: int, kind: int, data: bytes) -> None:
        self.owed.answered(("clipboard", selection))
        assert kind != FILE_LIST
        if kind == NONE:
            assert not data
        if not data:
            return
        content = Content.read(data)
        assert content.type == kind
        self.room.count_pasted(self)
        self.check_data(selection, kind, data)
        told = self.clipboards[selection].told
        if content.late or (told is None and self._catches_up):
            return
        grab = self.room.grabs[content.grab]
        assert told is not None, f"{self} was given {grab}, of which it knows nothing"
        assert grab.owner is told.owner, f"{self} was given {grab} for {told}"
        assert grab.number >= told.number, f"{self} was given {grab} after {told}"

    def check_data(self, selection: int, kind: int, data: bytes) -> None:
        """Check that data are such as this peer wants."""
