"""A model of the guest's agent, spice-vdagentd or Windows', one life of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.stateful.client import CANCELLED, ERROR
from tests.stateful.files import Transfer
from tests.stateful.grab import NONE
from tests.stateful.peer import SELECTION, ModelPeer
from tests.stateful.serials import Rule
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    AudioVolumeSync,
    ClientDisconnected,
    ClipboardRelease,
    DisplayConfig,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    GraphicsDeviceInfo,
    MaxClipboard,
    Message,
    MonitorsConfig,
    MouseState,
    Reply,
)

if TYPE_CHECKING:
    from tests.stateful.room import Room

LINUX = 0x00038DE7
WINDOWS = 0x000006B7

#: Agents that there are: a Linux session's, a login screen's, Windows', and one
#: that knows the mouse and no more.
WORDS = {
    "linux": LINUX,
    "windows": WINDOWS,
    "greeter": LINUX | 1 << 13,
    "bare": 1,
}

#: The capability that an agent has announced who is sent this.
NEEDS: dict[type[Message], int] = {
    MouseState: 0,
    MonitorsConfig: 1,
    DisplayConfig: 4,
    MaxClipboard: 10,
    AudioVolumeSync: 11,
    GraphicsDeviceInfo: 15,
}
FILES_DISABLED = 13

#: Seconds after which the hub repeats its question, once.
ASK_AGAIN_SECONDS = 2.0


class ModelAgent(ModelPeer):
    """
    One life of an agent, on one connection or, the Linux one, on several.

    ``live`` are the files that it is taking, by their ids. ``replies`` tells how
    it replies: True and False for its success, None if not at all.
    """

    def __init__(self, room: Room, kind: str) -> None:
        super().__init__(room, kind, WORDS[kind], Rule.AGENT)
        self.hub_side = room.hub.guest
        self.kind = kind
        self.alive = True
        self.connected = False
        #: Whether it ended in the middle of a message.
        self.cut_short = False
        self.replies: bool | None = True
        self.live: dict[int, Transfer] = {}
        self.known: dict[int, Transfer] = {}
        self.mouse: MouseState | None = None
        self.max_clipboards = 0
        self._host_known = False
        self._asked_at: list[float] = []
        self.since = room.now

    @property
    def is_linux(self) -> bool:
        return self.kind != "windows"

    @property
    def ready(self) -> bool:
        """Whether the hub has been answered, on this connection."""
        return self._host_known

    @property
    def current(self) -> bool:
        return self.alive and self.connected and super().current

    @property
    def can_grab(self) -> bool:
        """Whether it would tell a host of what is copied in the guest."""
        return self.alive and self.connected and self.hub_word is not None

    @property
    def owned(self) -> list[int]:
        return [selection for selection in (0, 1, 2) if self.owns(selection)]

    # Coming and going.

    def connect(self) -> None:
        """Have the hub connect, which finds what it finds."""
        room = self.room
        self.connected = True
        self.since = room.now
        self.hub_side.connected(self.wire.transport)

    def begin(self) -> None:
        """Announce oneself as an agent does that has just been started."""
        self._asked_at.clear()
        self.say(AnnounceCapabilities(1, self.word.to_words()))

    def lose_host(self) -> None:
        """Take note that the host has closed the connection."""
        self.connected = False
        self.rest = b""
        self.asleep = False
        self._forget_host()

    def die(self, *, cleanly: bool) -> None:
        """End, as spice-vdagentd does when its session does, or in an instant."""
        if cleanly and self.can_grab and self.is_linux:
            for id in list(self.live):
                self.say(FileXferStatus(id, CANCELLED))
            for selection in self.owned:
                self._say_short_release(selection)
        self.alive = False
        self.cut_short = bool(self.rest)
        self.rest = b""
        self._forget_host()

    def _say_short_release(self, selection: int) -> None:
        """Say a RELEASE of one byte, as the daemon itself does."""
        message = ClipboardRelease(selection)
        data = self.wire.spell(message, self.layout, 1)
        if self.agreed(SELECTION):
            assert data[-4:] == bytes([selection, 0, 0, 0])
            data = b"\1\0\0\0\x15\0\0\0" + data[8:24] + b"\1\0\0\0" + data[28:29]
        self.room.count("to the hub", self, message)
        self.finish()
        self.hub_side.receive_data(data)

    def _forget_host(self) -> None:
        self._host_known = False
        self._asked_at.clear()
        self.mouse = None
        self.live.clear()
        self.begin_clipboards()
        self.owed.make_void(in_flight=False)

    # Hearing.

    def hear(self) -> bool:
        return self.alive and self.connected and super().hear()

    def hear_announcement(self, message: AnnounceCapabilities) -> None:
        room = self.room
        first = self.hub_word is None or not self._asked_at
        self.hub_word = message.capabilities
        assert SELECTION in self.hub_word
        if not message.request:
            return
        if not first:
            waited = room.now - self._asked_at[0]
            assert waited >= ASK_AGAIN_SECONDS or self._asked_at[0] <= self._lagged_at
            assert len(self._asked_at) < 2, "asked a third time"
        self._asked_at.append(room.now)
        self.unnoticed = False
        owned = self.owned
        had_client = self._host_known
        if self.is_linux:
            self.live.clear()
            self.begin_clipboards()
        self.serials.begin(forget=True)
        self.say(AnnounceCapabilities(0, self.word.to_words()))
        self._host_known = True
        if self.is_linux and had_client:
            for selection in owned:
                self.say(ClipboardRelease(selection))

    def hear_message(self, message: Message, port: int) -> None:
        if isinstance(message, AnnounceCapabilities):
            self.hear_announcement(message)
            return
        if isinstance(message, ClientDisconnected):
            # It rids an agent that does not answer of half a message for another.
            assert self.is_linux
            assert port == 2
            return
        assert self._host_known, f"{message} before the handshake"
        need = NEEDS.get(type(message))
        assert need is None or need in self.word, f"{message} to {self}"
        match message:
            case MouseState():
                self.mouse = message
            case MonitorsConfig(monitors=monitors):
                self._check_wish(monitors[0].width, by_owner=True)
                if not (self.is_linux and message.has_physical_size):
                    self._reply(message)
            case DisplayConfig(depth=depth):
                self._check_wish(depth, by_owner=True)
                self._reply(message)
            case AudioVolumeSync(volume=volume):
                self._check_wish(volume[0], by_owner=True)
            case GraphicsDeviceInfo(display_info=infos):
                self._check_wish(infos[0].device_display_id)
            case MaxClipboard(max=limit):
                assert limit == self.room.hub.limits.max_message
                self.max_clipboards += 1
            case FileXferStart() | FileXferStatus() | FileXferData():
                assert FILES_DISABLED not in self.word, f"{message} to {self}"
                self._hear_of_file(message)
            case _:
                super().hear_message(message, port)

    def _check_wish(self, wish: int, *, by_owner: bool = False) -> None:
        client = self.room.wished[wish]
        if by_owner and self.room.owner_rule not in ("first", "last"):
            assert client.hub_side.name == self.room.owner_rule

    def _reply(self, message: Message) -> None:
        if self.replies is not None:
            self.say(Reply(message.number, 1 if self.replies else 2))

    # Files.

    def _hear_of_file(self, message: Message) -> None:
        match message:
            case FileXferStart(id=id, name=name, size=size):
                transfer = self.room.transfers[int(name.removesuffix(".bin"))]
                assert id not in self.room.upstream_ids, f"id {id} came again"
                assert transfer.upstream is None, f"{transfer} came again"
                assert transfer.size == size
                self.room.upstream_ids.add(id)
                transfer.upstream = id
                self.live[id] = self.known[id] = transfer
            case FileXferData(id=id, data=data):
                self.known[id].check_content(data)
                if id in self.live:
                    self.live[id].received += len(data)
                    assert self.live[id].received <= self.live[id].size
                elif not self.is_linux:
                    self.say(FileXferStatus(id, ERROR))
            case FileXferStatus(id=id, result=result):
                assert id in self.known, f"status of {id}, which was not begun"
                assert result == CANCELLED
                self.live.pop(id, None)

    def tell_status(self, id: int, result: int) -> None:
        """Say how a file goes on, and check that its client is told so."""
        if not self.is_linux:
            result = min(result, 3)
        transfer = self.known[id]
        client = transfer.client
        sure = self.current and id in self.live and client in self.room.clients
        sure = sure and client.current and not client.renewing
        if result:
            self.live.pop(id, None)
        space = transfer.number if result == 4 else None
        heard = len(client.statuses)
        self.say(FileXferStatus(id, result, disk_free_space=space))
        self.room.settle()
        if sure:
            assert len(client.statuses) == heard + 1, f"{client} was not told {result}"
            told = client.statuses[-1]
            detailed = client.agreed(14)
            assert told.id == transfer.id
            assert told.result == (result if detailed or result < 4 else ERROR)
            assert told.disk_free_space == (space if detailed else None)

    def check_data(self, selection: int, kind: int, data: bytes) -> None:
        assert kind == NONE or kind in self.pasted, f"{kind}, which nobody asked for"

    def paste(self, selection: int, kind: int) -> None:
        self.pasted.add(kind)
        super().paste(selection, kind)

    @property
    def pasted(self) -> set[int]:
        """The types that were asked for in this life."""
        return self.__dict__.setdefault("_pasted", set())

    def check(self) -> None:
        super().check()
        assert self.max_clipboards <= 2 * (1 + self.room.connections)
        if not self.current or self.hub_side.up:
            self.since = self.room.now
        assert self.room.now - self.since <= 3.0, "the agent is not up"
