"""An agent and two clients around a hub with all that comes with vdproxy."""

from __future__ import annotations

from typing import Any

from vdproxy.testing import (
    LINUX_AGENT,
    SPICE_GTK,
    ModelAgent,
    ModelClient,
    ModelPeer,
    ModelVM,
    logged,
)
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    MaxClipboard,
    Message,
    MonConfig,
    MonitorsConfig,
    Reply,
)

TEXT = 1
CAN_SEND_DATA, CANCELLED, ERROR, SUCCESS = range(4)
MAX_CLIPBOARD = MaxClipboard(100 * 1024 * 1024)


class Ear(ModelPeer):
    """A peer that hears one thing after the other; ``sent`` counts its bytes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.sent = 0
        self._inbox: list[Message] = []
        super().__init__(*args, **options)

    def feed(self, data: bytes) -> None:
        self.sent += len(data)
        super().feed(data)

    def next_serial(self) -> int:
        """Return the serial for a GRAB of CLIPBOARD that is not said, and count it."""
        self.listen()
        self._next_serials[0] += 1
        return self._next_serials[0] - 1

    def take_back_serial(self) -> None:
        """Take the serial that was counted last for the next GRAB as well."""
        self._next_serials[0] -= 1

    def listen(self) -> None:
        """Take in what the hub says."""
        self._inbox += self.heard()

    def next(self) -> Message:
        """Return what the hub says next."""
        self.listen()
        assert self._inbox, "nothing more was said"
        return self._inbox.pop(0)

    def next_if_any(self) -> Message | None:
        self.listen()
        return self._inbox.pop(0) if self._inbox else None

    def hears(self, *messages: Message) -> None:
        for message in messages:
            heard = self.next()
            assert heard == message, f"{heard} in place of {message}"

    def hears_no_more(self) -> None:
        self.listen()
        assert self._inbox == [], f"heard {self._inbox}"

    def ignores_what_was_said(self) -> None:
        self.listen()
        self._inbox.clear()

    def flood(self, data: bytes) -> None:
        """Send *data* as fast as they are read, and read nothing of the answers."""
        for start in range(0, len(data), 65536):
            self.feed(data[start : start + 65536])
            while not self.transport.reading:
                self._clock.advance(0.1)
            self.transport.written.clear()
            self._read_up_to = 0

    def hears_question(self) -> None:
        question = self.next()
        assert isinstance(question, AnnounceCapabilities), question
        assert question.request == 1


class Agent(Ear, ModelAgent):
    """The guest's agent."""


class Client(Ear, ModelClient):
    """One client."""

    @property
    def is_let_go(self) -> bool:
        return self.transport.losing


class Room:
    """
    An agent that is up, and ``first`` and ``other`` who have negotiated.

    ``lines`` are what has been logged since they were asked for last.
    """

    agent: Any
    first: Any
    other: Any

    def __init__(self) -> None:
        self._logged = logged()
        self._events = self._logged.__enter__()
        self.vm = ModelVM()
        self.agent = Agent(self.vm.hub, self.vm.codec)
        self.agent.connect()
        self.agent.capabilities = LINUX_AGENT
        self.agent.hears_question()
        answer(self.agent)
        self.first = self.client()
        self.other = self.client()

    def client(self) -> Any:
        """Return one more client that has negotiated."""
        client = Client(self.vm.hub, self.vm.codec, SPICE_GTK)
        greet(self, client)
        return client

    @property
    def everybody(self) -> dict[str, Any]:
        return {"agent": self.agent, "first": self.first, "other": self.other}

    def lines(self) -> list[str]:
        lines = [line.removeprefix("vm: ") for line in self._events.texts]
        self._events.clear()
        return lines

    def settle(self) -> None:
        """
        Let happen what is due at once, and pass what makes a guest's words sure.

        What ends like the beginning of an announcement counts after a second.
        """
        self.vm.clock.pump([0, 0.5, 0.5, 0.5])

    def close(self) -> None:
        """Have all leave, and see that nothing is left and nothing has failed."""
        self.agent.leave()
        ended: list[None] = []
        self.vm.hub.stop().addCallback(ended.append)
        for client in list(self.vm.hub.clients):
            client.disconnected("gone")
        assert ended == [None]
        assert self.vm.clock.getDelayedCalls() == []
        assert not [line for line in self.lines() if "failed" in line]
        self._logged.__exit__(None, None, None)


def answer(agent: Any, *wishes: Message) -> None:
    """Have *agent* be up, and hear the *wishes* of those still there."""
    agent.announce(0)
    agent.hears(MAX_CLIPBOARD, *wishes)


def greet(room: Any, client: Any) -> None:
    """Have *client* answer the hub's question, and its answer be read."""
    client.hears_question()
    client.announce(0)
    resize(room, client)


RESIZE = MonitorsConfig(0, (MonConfig(640, 480),))
RESIZED = Reply(RESIZE.number, 1)


def resize(room: Any, client: Any) -> None:
    """Have the agent do something for *client*."""
    client.say(RESIZE)
    room.agent.hears(RESIZE)
    room.agent.say(RESIZED)
    client.hears(RESIZED)


def copy_and_paste(room: Any, client: Any) -> None:
    """Have *client* and the guest each paste what the other has copied."""
    ends = [(client, room.agent, b"of a client"), (room.agent, client, b"of the guest")]
    for owner, asker, data in ends:
        owner.say(ClipboardGrab(0, (TEXT,)))
        asker.hears(ClipboardGrab(0, (TEXT,)))
        asker.say(ClipboardRequest(0, TEXT))
        owner.hears(ClipboardRequest(0, TEXT))
        owner.say(Clipboard(0, TEXT, data))
        asker.hears(Clipboard(0, TEXT, data))


def send_file(room: Any, client: Any) -> None:
    """Have *client* send a file to the guest."""
    client.say(FileXferStart(77, "innocent", 5))
    start = room.agent.next()
    assert start == FileXferStart(start.id, "innocent", 5)
    room.agent.say(FileXferStatus(start.id, CAN_SEND_DATA))
    client.hears(FileXferStatus(77, CAN_SEND_DATA))
    client.say(FileXferData(77, b"whole"))
    room.agent.hears(FileXferData(start.id, b"whole"))
    room.agent.say(FileXferStatus(start.id, SUCCESS))
    client.hears(FileXferStatus(77, SUCCESS))


def round_trip(room: Any, client: Any) -> None:
    """Have *client* and the guest do everything for each other."""
    copy_and_paste(room, client)
    send_file(room, client)
    resize(room, client)
