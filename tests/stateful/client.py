"""A model client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.stateful.files import Transfer
from tests.stateful.peer import ModelPeer
from tests.stateful.serials import Rule
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    AudioVolumeSync,
    ClientDisconnected,
    DeviceDisplayInfo,
    DisplayConfig,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    GraphicsDeviceInfo,
    MaxClipboard,
    Message,
    MonConfig,
    MonitorsConfig,
    MouseState,
    Reply,
)

if TYPE_CHECKING:
    from tests.stateful.room import Room

GTK = sum(1 << bit for bit in (0, 1, 2, 4, 5, 6, 12, 14, 16, 17))

#: What a client announces, and by which rule it counts.
KINDS: dict[str, tuple[int, Rule]] = {
    "gtk": (GTK, Rule.STRICT),
    "qemu": (1 << 5 | 1 << 6 | 1 << 17, Rule.LOOSE),
    "no serials": (1 << 5 | 1 << 6, Rule.STRICT),
    "by demand": (1 << 5, Rule.STRICT),
    "no reply": (GTK & ~(1 << 2 | 1 << 14), Rule.STRICT),
    "nothing": (0, Rule.STRICT),
}

MONITORS, DISPLAY = 2, 5
DETAILED = 14
CANCELLED, ERROR, SUCCESS = 1, 2, 3

#: Seconds: a request may wait for those of others, each in two forms.
REPLY_SECONDS = 2.0 * 6 * 2 + 0.2
START_SECONDS = 30.2


class ModelClient(ModelPeer):
    """
    A client; one that ``asks`` announces itself at once, others when asked.

    ``buttons`` of its mouse are down, ``limit`` is the most data it wants.
    """

    def __init__(self, room: Room, number: int, kind: str, *, asks: bool) -> None:
        word, rule = KINDS[kind]
        super().__init__(room, f"c{number}", word, rule)
        self.announced = False
        self.renewing = False
        self._questions = 0
        self._unanswered = 0
        self.buttons: int | None = None
        self.limit = -1
        self.transfers: list[Transfer] = []
        self.statuses: list[FileXferStatus] = []
        self._starts: dict[int, list[float]] = {}
        #: Ids of transfers it has given up, of which it may still be told.
        self._in_flight: set[int] = set()
        name = self.name if number % 2 else ""
        self.hub_side = room.hub.attach(self.wire.transport, "vdi", name, 1000)
        if asks:
            self.ask()

    @property
    def ready(self) -> bool:
        return self.announced and self.hub_word is not None and not self.renewing

    # Announcing.

    @property
    def waits(self) -> bool:
        """Whether it has asked and has not been answered."""
        return self._unanswered > 0

    def ask(self) -> None:
        """Announce oneself with a question, the second of which begins anew."""
        renews = self._questions > 0 and self.ready
        self._questions += 1
        if renews:
            self._forget()
            self.renewing = True
        self._unanswered += 1
        self.announced = True
        self.say(AnnounceCapabilities(1, self.word.to_words()))

    def announce(self) -> None:
        """Announce oneself without a question."""
        self.announced = True
        self.say(AnnounceCapabilities(0, self.word.to_words()))

    def say_disconnected(self) -> None:
        """Say that one begins anew."""
        self._forget()
        self.say(ClientDisconnected(), port=2)

    def _forget(self) -> None:
        self.begin_clipboards()
        if not self.current:
            self._in_flight |= {t.id for t in self.transfers}
        for transfer in self.transfers:
            transfer.open = False
        self.transfers.clear()
        self._starts.clear()
        self.buttons = None
        self.limit = -1

    def hear_message(self, message: Message, port: int) -> None:
        if self.renewing and not isinstance(message, AnnounceCapabilities):
            return
        match message:
            case Reply(type=kind):
                question = self.owed.answered(("reply", kind))
                assert question is None or question.port == port, (
                    f"{message} to {self} on port {port}"
                )
            case FileXferStatus():
                self._hear_status(message)
            case _:
                super().hear_message(message, port)

    def hear_announcement(self, message: AnnounceCapabilities) -> None:
        first, before = self.hub_word is None, self.hub_word
        self.hub_word = message.capabilities
        if message.request:
            assert self.hub_word != before, "the same offer twice"
            if not first:
                self.serials.begin(forget=False)
            self.announce()
            return
        assert self._unanswered, f"{self} was answered and had not asked"
        self._unanswered -= 1
        if self.renewing and not self._unanswered:
            self.renewing = False
            self.serials.begin(forget=True)

    @property
    def can_expect(self) -> bool:
        return self.current and self.hub_word is not None and not self.renewing

    def check(self) -> None:
        super().check()
        assert not self.wire.transport.losing, f"{self} was disconnected"
        assert not self.wire.transport.aborted, f"{self} was disconnected"
        if self.current:
            self._in_flight.clear()
        for starts in self._starts.values():
            for index, since in enumerate(starts):
                if not self.can_expect:
                    starts[index] = self.room.now
                assert self.room.now <= since + START_SECONDS or not self.can_expect

    def check_data(self, selection: int, kind: int, data: bytes) -> None:
        if self.current and not self._catches_up:
            assert not 0 <= self.limit < len(data), "more data than it wants"

    # What else a client asks for.

    def monitors(self, width: int, *, physical: bool, port: int) -> None:
        monitor = MonConfig(width, 600, width_mm=100 if physical else 0)
        self.owed.ask(("reply", MONITORS), self.room.now, REPLY_SECONDS, port=port)
        self.room.wished[width] = self
        self.say(MonitorsConfig(2 if physical else 0, (monitor,)), port)

    def display(self, depth: int, port: int) -> None:
        self.owed.ask(("reply", DISPLAY), self.room.now, REPLY_SECONDS, port=port)
        self.room.wished[depth] = self
        self.say(DisplayConfig(8, depth), port)

    def mouse(self, x: int, buttons: int) -> None:
        self.buttons = buttons
        self.say(MouseState(x, 7, buttons, 0), port=2)

    def audio(self, volume: int) -> None:
        self.room.wished[volume] = self
        self.say(AudioVolumeSync(bool(volume % 2), False, (volume % 65536,)))

    def device(self, number: int) -> None:
        self.room.wished[number] = self
        info = DeviceDisplayInfo(0, 0, number, b"pci/0000/02.0")
        self.say(GraphicsDeviceInfo((info,)), port=2)

    def max_clipboard(self, limit: int) -> None:
        self.limit = limit
        self.say(MaxClipboard(limit))

    # Files.

    def start(self, id: int, size: int) -> None:
        """Have a file taken, of an id that may be running, as far as it knows."""
        again = any(t.id == id for t in self.transfers)
        if id in self._in_flight or (again and not self.current):
            return
        transfer = self.room.new_transfer(self, id, size)
        for other in self.transfers:
            other.clear = other.clear and not (again and other.id == id)
        transfer.clear = not again
        self.transfers.append(transfer)
        self._starts.setdefault(id, []).append(self.room.now)
        self.say(FileXferStart(id, f"{transfer.number}.bin", size))

    def send_data(self, which: int, size: int) -> None:
        transfer = self.transfers[which % len(self.transfers)]
        self.say(FileXferData(transfer.id, transfer.content(size)))

    def cancel(self, which: int) -> None:
        """Give up a transfer, or all that have its id."""
        id = self.transfers[which % len(self.transfers)].id
        if not self.current:
            self._in_flight.add(id)
        for transfer in [t for t in self.transfers if t.id == id]:
            transfer.open = False
            self.transfers.remove(transfer)
        self._starts.pop(id, None)
        self.say(FileXferStatus(id, CANCELLED))

    def _hear_status(self, status: FileXferStatus) -> None:
        detail = (status.disk_free_space, status.error_type)
        if not self.agreed(DETAILED):
            assert status.result <= SUCCESS, f"{status} to {self}"
            assert detail == (None, None), f"{status} to {self}"
        self.statuses.append(status)
        running = [t for t in self.transfers if t.id == status.id]
        assert running or status.id in self._in_flight, (
            f"{status} to {self}, which runs none of that id"
        )
        starts = self._starts.get(status.id)
        if starts:
            starts.pop(0)
        if running and status.result:
            # Of several, the one that was started last was one too many.
            running[-1].open = False
            self.transfers.remove(running[-1])
