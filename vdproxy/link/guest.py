"""
The client's role towards a guest's agent.

QEMU's chardev socket shows nothing of the port behind it: an agent may be gone,
replaced, or not there yet, and a new connection may begin in the middle of a
message of megabytes. So nothing counts but the handshake, and the handshake is
looked for in the bytes themselves.
"""

from __future__ import annotations

from vdproxy.errors import LocalProtocolError, RemoteProtocolError
from vdproxy.link.events import (
    AgentLost,
    AgentUp,
    Discarded,
    Malformed,
    MessageReceived,
)
from vdproxy.link.link import Link
from vdproxy.link.serials import GrabSerials
from vdproxy.link.succession import Succession, Whole
from vdproxy.wire.assembly import Assembling
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import (
    GUEST_FRAMING,
    ChunkHeader,
    ChunkReader,
    CutMessage,
    RawMessage,
    SkippedMessage,
)
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import (
    Capability,
    MessageType,
    Port,
)
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    ClientDisconnected,
    ClipboardGrab,
    Message,
)

#: What an agent does.
GuestEvent = Message | AgentUp | AgentLost | Malformed | Discarded | SkippedMessage

#: What only a trace is told.
Header = ChunkHeader | MessageReceived


_GRAB_SERIAL = Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL
_ANNOUNCE = MessageType.VD_AGENT_ANNOUNCE_CAPABILITIES

_INSIDE = "a new agent announced itself inside a message"


class GuestLink(Link):
    """
    What a SPICE client would be on one connection to a guest's port.

    Until the agent has answered our question, everything but announcements is
    dropped and nothing but the question is sent. ``synced`` is true from that
    answer to the next sign that the agent is another one.
    """

    def __init__(
        self, codec: Codec, offer: Capabilities, *, report_headers: bool = False
    ) -> None:
        """
        Begin a connection with our question.

        :raises LocalProtocolError: *offer* has CLIPBOARD_BY_DEMAND without
            CLIPBOARD_SELECTION, which is no host for spice-vdagentd.
        """
        super().__init__(codec, GrabSerials(is_agent=False))
        if (
            Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND in offer
            and Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION not in offer
        ):
            raise LocalProtocolError(
                "CLIPBOARD_BY_DEMAND cannot be announced without CLIPBOARD_SELECTION"
            )
        self.synced = False
        self._offer = offer
        self._report_headers = report_headers
        #: Few at a time, so that an empty deque would be most of a link.
        self._events: list[GuestEvent | Header] = []
        self._reader: ChunkReader | None = self._new_reader(0)
        self._succession = Succession(codec)
        #: Where in the stream the last message ended.
        self._ended_at = 0
        #: A message that may have been completed by another agent's bytes.
        self._doubtful: Whole | None = None
        self._questions = 0
        self._ask()

    @property
    def assembling(self) -> Assembling | None:
        """The message that is coming in, if one is."""
        return self._reader.assembling if self._reader else None

    @property
    def held(self) -> int:
        """Bytes that are kept of what has come."""
        doubtful = self._doubtful.raw.payload_size if self._doubtful else 0
        return doubtful + (self._reader.held if self._reader else 0)

    @property
    def unfinished(self) -> bool:
        """Whether the last bytes received are the beginning of something."""
        return self._doubtful is not None or (
            self._reader is not None and self._reader.unfinished
        )

    @property
    def received(self) -> int:
        """The bytes received so far."""
        return self._succession.received

    @property
    def unanswered(self) -> bool:
        """Whether our question waits, unrepeated, though the guest has spoken."""
        return not self.synced and self._heard and not self._repeated

    @property
    def mute(self) -> bool:
        """
        Whether an agent has announced itself and leaves our second question too.

        It is one that stands a new connection.
        """
        return not self.synced and self._repeated and self.reconnects

    @property
    def reconnects(self) -> bool:
        """
        Whether the agent is known to stand a new connection.

        Those with GRAB_SERIAL do; the Windows agent hears nothing from then on.
        """
        return self.announced is not None and _GRAB_SERIAL in self.announced

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes from the guest."""
        self._heard = True
        self._succession.receive_data(data)
        mark = None if self.synced else self._succession.mark_in_last_read()
        if mark is not None:
            self._restart(mark)
        elif self._reader is not None:
            self._reader.receive_data(data)

    def next_event(self) -> GuestEvent | Header | None:
        """Return what the guest did next, or None until more bytes are there."""
        while not self._events:
            if self._doubtful is not None:
                if not self._settle(self._doubtful):
                    return None
                continue
            if self._reader is None:
                return None
            try:
                event = self._reader.next_event()
            except RemoteProtocolError as error:
                self._resynchronise(str(error))
                continue
            if isinstance(event, RawMessage):
                begin, self._ended_at = self._ended_at, self._reader.offset
                self._doubtful = Whole(event, begin, self._ended_at)
            elif event is None:
                mark = self._mark_unread()
                if mark is None:
                    return None
                self._replace(mark, _INSIDE)
            elif self.synced or isinstance(event, ChunkHeader):
                self._events.append(event)
        return self._events.pop(0)

    def encode(self, message: Message) -> CutMessage:
        """
        Return a message cut into chunks for the agent.

        :raises LocalProtocolError: there is no handshake, or the message cannot
            be told to this agent.
        """
        if not self.synced:
            raise LocalProtocolError("no agent has answered yet")
        return self._encode(message, self._layout, Port.VDP_CLIENT_PORT)

    def offer(self, offer: Capabilities) -> None:
        """Tell the agent what we can do from now on, once it has answered."""
        self._offer = offer
        if self.announced is not None:
            self._layout = Layout.between(offer, self.announced)
        self._tell_offer()

    def _tell_offer(self) -> None:
        if self.synced and self.offered != self._offer:
            self.offered = self._offer
            self._announce(0, self._offer)

    def quiet(self) -> None:
        """
        Say that the guest has been silent for a second with a message unfinished.

        If a new agent's announcement is among what was taken for the rest of
        that message, the old agent is gone and the new one waits for us.
        """
        if self._doubtful is not None:
            self._settle(self._doubtful, last=True)
        elif self.synced and self.unfinished:
            mark = self._succession.mark_since(self._ended_at)
            if mark is not None:
                self._replace(mark, _INSIDE)

    def expect_another(self, *, is_there: bool) -> None:
        """
        Say that the guest has closed its port, and whether it has opened it again.

        Until an announcement has been read, one that stands where the rest of a
        message ought to be counts at once.
        """
        self._succession.expected = True
        self._heard = self._heard or is_there

    def doubt(self, reason: str) -> None:
        """Take the agent for lost, and ask whoever is there."""
        if self.synced:
            self._lose(reason, replaced=False)
            self._ask()
            self._heard = True

    def skip_rest(self) -> SkippedMessage | None:
        """Drop what has come of a message of which more is to come, and its rest."""
        return self._reader.skip_rest() if self._reader else None

    def ask_again(self) -> None:
        """
        Repeat a question that has had no answer, once.

        More of them would pile up: to the Linux agent each means a new client.
        """
        if self.unanswered and not self._to_send:
            if self.reconnects:
                # It may wait for the rest of a message that was for its predecessor.
                # This resets that in spice-vdagentd, whose ports are apart, and costs
                # nothing where there was no handshake.
                gone = ClientDisconnected()
                self._to_send.append(self._encode(gone, Layout(), Port.VDP_SERVER_PORT))
            self._ask()
            self._repeated = True

    def _ask(self) -> None:
        self._questions += 1
        self._heard = False
        self._repeated = False
        self.offered = self._offer
        self._announce(1, self._offer)

    def _new_reader(self, start: int) -> ChunkReader:
        return ChunkReader(
            GUEST_FRAMING,
            self._codec.limit,
            self._codec.data_offset,
            start=start,
            report_chunks=self._report_headers,
        )

    def _settle(self, whole: Whole, *, last: bool = False) -> bool:
        """
        Take a message for what it is, or for one that was cut short.

        False is returned if more must be known; nothing more will come if it is the
        *last* time.
        """
        sure, mark = True, None
        if self.synced:
            sure, mark = self._succession.judge(whole, last=last)
            if not sure and self._is_due(whole.raw):
                sure, mark = self._succession.judge(whole, last=True)
        if not sure:
            return False
        if mark is not None:
            self._replace(mark, _INSIDE)
        else:
            self._doubtful = None
            self._receive(whole.raw, whole.end)
        return True

    def _is_due(self, raw: RawMessage) -> bool:
        """
        Tell whether a message is the GRAB whose serial is due.

        Nine of those serials look as the beginning of an announcement does.
        """
        if raw.number != ClipboardGrab.number:
            return False
        try:
            grab = self._codec.decode(raw, self._layout)
        except RemoteProtocolError:
            return False
        return (
            isinstance(grab, ClipboardGrab)
            and grab.serial is not None
            and grab.serial == self._serials.next(grab.selection)
        )

    def _mark_unread(self) -> int | None:
        """Return where a new agent begins in what is not yet a message, if known."""
        if not self.synced:
            return None
        if not self.unfinished:
            # It may have completed a message that is skipped.
            return self._succession.mark_at_end(self._ended_at)
        if self._succession.expected:
            return self._succession.mark_since(self._ended_at)
        return None

    def _replace(self, mark: int, reason: str) -> None:
        """Read what begins at *mark* as a new agent's."""
        self._lose(reason)
        self._restart(mark)

    def _restart(self, mark: int) -> None:
        """Read what begins at *mark* as if it were new."""
        self._doubtful = None
        self._ended_at = mark
        self._reader = self._new_reader(mark)
        self._reader.receive_data(self._succession.since(mark))

    def _resynchronise(self, reason: str) -> None:
        """Find the next announcement after bytes that are no framing."""
        mark = self._succession.mark_behind(self._ended_at)
        self._lose(reason, replaced=mark is not None)
        if mark is not None:
            self._restart(mark)
            return
        self._reader = None
        if not self._questions:
            self._ask()

    def _lose(self, reason: str, *, replaced: bool = True) -> None:
        if self.synced:
            self.synced = False
            self._questions = 0
            self._repeated = False
            self._events.append(AgentLost(reason, replaced))

    def _receive(self, raw: RawMessage, end: int) -> None:
        if self._report_headers:
            self._events.append(MessageReceived(raw.number, raw.payload_size))
        if raw.number == _ANNOUNCE:
            self._receive_announce(raw, end)
        elif self.synced and (
            raw.port == Port.VDP_CLIENT_PORT or raw.number == MessageType.VD_AGENT_REPLY
        ):
            self._events.append(self._decode(raw, self._layout))

    def _receive_announce(self, raw: RawMessage, end: int) -> None:
        message = self._decode(raw, self._layout)
        if not isinstance(message, AnnounceCapabilities):
            self._events.append(message)
            return
        self._succession.done(end)
        self._succession.expected = False
        if message.request:
            self._lose("the agent was started anew")
        self.announced = message.capabilities
        self._layout = Layout.between(self._offer, self.announced)
        if message.request:
            # What has not been sent was for a former agent, our question too.
            asked = self._questions and not self._to_send
            self._repeated = False
            self._to_send.clear()
            self._announce(0, self._offer)
            if not asked:
                self._questions = 0
                self._ask()
                self._heard = True
        elif self._questions:
            # Each of our questions put the agent's serials back to 0, and all of
            # them were before the first GRAB of ours.
            self._questions -= 1
            if self.synced:
                self._serials.restarted()
            else:
                self._serials.zero()
                self.synced = True
                self._events.append(AgentUp(message.capabilities))
                self._tell_offer()
        self._events.append(message)
