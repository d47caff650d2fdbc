"""
File transfers: from any client into the guest, each under an id of vdproxy's own.

Clients choose ids that collide and use them again, and an agent takes all it hears
for one client's. So each (client, id) becomes an id that agents never see twice:
whatever comes late, for a transfer that has ended, meets nobody. A transfer ends
when the agent or its client says so; when either goes, the other is told CANCELLED.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from unicodedata import category

from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from vdproxy.api import (
    VM,
    Capabilities,
    Capability,
    Client,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    FileXferStatusErrorType,
    FileXferStatusResult,
    Handler,
    IMessageHandler,
    Message,
    MessageType,
    Peer,
    Sending,
    Unknown,
    option,
)

#: Seconds within which an agent answers a START; the Linux agent asks its desktop
#: session, which may be slow, but no user.
_START_TIMEOUT = 30.0

#: Seconds within which an agent that has read a whole file says what became of it.
_END_TIMEOUT = 30.0

#: Transfers that may run at once. spice-vdagentd has room for 128: the rest is for
#: those that end while their CANCELLED is still on its way.
_MOST_TRANSFERS = 120

#: Data of one message to the agent, bytes: what others wait for meanwhile.
_MAX_DATA = 64 * 1024

#: Characters of a file's name: no guest's file system takes more, and what it takes
#: is sure to fit into a START.
_MAX_NAME = 255

#: ``error_code`` of a START that is one too many, as spice-vdagentd has it.
_G_IO_ERROR_TOO_MANY_OPEN_FILES = 31

_GLIB_IO = FileXferStatusErrorType.VD_AGENT_FILE_XFER_STATUS_ERROR_GLIB_IO
_DETAILED_ERRORS = Capability.VD_AGENT_CAP_FILE_XFER_DETAILED_ERRORS

_CAN_SEND_DATA = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA
_CANCELLED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CANCELLED
_ERROR = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_ERROR
_SUCCESS = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS
_NOT_CONNECTED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_VDAGENT_NOT_CONNECTED
_DISABLED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_DISABLED

#: What a client knows that has not announced DETAILED_ERRORS.
_PLAIN_RESULTS = (_CAN_SEND_DATA, _CANCELLED, _ERROR, _SUCCESS)

_RESULT_NAMES = {int(result): result.name for result in FileXferStatusResult}


@dataclass(frozen=True)
class FileTransferOptions:
    """Options of the file transfer handler."""

    max_transfers: int = option(
        f"files that may be on their way at once, at most {_MOST_TRANSFERS}",
        _MOST_TRANSFERS,
    )
    max_transfers_of_client: int = option("files of one client among them", 32)

    def __post_init__(self) -> None:
        problems = [
            f"{key}: from 1 to {_MOST_TRANSFERS} are possible"
            for key, value in (
                ("max-transfers", self.max_transfers),
                ("max-transfers-of-client", self.max_transfers_of_client),
            )
            if not 1 <= value <= _MOST_TRANSFERS
        ]
        if problems:
            raise ValueError("\n".join(problems))


@dataclass(slots=True)
class _Transfer:
    """
    A file on its way; ``sent`` of its ``size`` bytes have come so far.

    ``is_whole`` tells that its last message has, which one without bytes has too.
    ``undecided`` are the messages to the agent that filters have not let pass.
    """

    client: Client
    client_id: int
    upstream_id: int
    size: int
    timer: IDelayedCall
    sent: int = 0
    is_whole: bool = False
    undecided: list[Sending] = field(default_factory=list)


@implementer(IMessageHandler)
class FileTransferHandler(Handler):
    """Carries files to the agent, and each STATUS to the client it is meant for."""

    messages = (FileXferStart, FileXferStatus, FileXferData)
    provided = Capabilities.of(_DETAILED_ERRORS)

    def __init__(self, options: FileTransferOptions | None = None) -> None:
        self._options = options or FileTransferOptions()
        self._upstream_ids = count(1)
        self._running: dict[tuple[Client, int], _Transfer] = {}
        self._by_upstream_id: dict[int, _Transfer] = {}

    def start(self, vm: VM) -> None:
        self._vm = vm

    def stop(self) -> None:
        self._abort_all()

    def guest_lost(self) -> None:
        self._abort_all()

    def client_left(self, client: Client) -> None:
        for transfer in list(self._running.values()):
            if transfer.client is client:
                self._cancel(transfer, _CANCELLED)

    def received(self, peer: Peer, message: Message) -> None:
        match peer, message:
            case Client() as client, FileXferStart() as start:
                self._begin(client, start)
            case Client() as client, FileXferData() as data:
                self._forward(client, data)
            case Client() as client, FileXferStatus() as status:
                self._told_by_client(client, status)
            case _, FileXferStatus() as status:
                self._told_by_guest(status)

    def dropped(self, peer: Peer, message: Message, reason: str) -> None:
        if isinstance(message, (FileXferStart, FileXferStatus, FileXferData)):
            id, result = message.id, _DISABLED
        elif isinstance(message, Unknown) and len(message.payload) >= 4:
            id, result = int.from_bytes(message.payload[:4], "little"), _ERROR
        else:
            return
        if not isinstance(peer, Client):
            if message.number == MessageType.VD_AGENT_FILE_XFER_STATUS:
                self._abort(self._by_upstream_id.get(id), _ERROR)
        elif message.number == MessageType.VD_AGENT_FILE_XFER_START:
            # One of that id that is running goes on, as it does with an agent.
            self._tell(peer, FileXferStatus(id, result))
        elif message.number == MessageType.VD_AGENT_FILE_XFER_DATA:
            self._abort(self._running.get((peer, id)), result)
        elif isinstance(message, FileXferStatus):
            # A client that has ended its transfer knows nothing of it any more.
            self._told_by_client(peer, message)

    def withheld(self, peer: Peer, message: Message, reason: str) -> None:
        if isinstance(peer, Client) and isinstance(message, FileXferStatus):
            self._told_nothing(peer, message.id)
        elif peer is self._vm.guest and isinstance(
            message, (FileXferStart, FileXferData)
        ):
            transfer = self._by_upstream_id.get(message.id)
            if transfer is not None and isinstance(message, FileXferStart):
                # The agent has not heard of it.
                self._end(transfer, _DISABLED)
                self._tell(transfer.client, _disabled(transfer.client_id))
            else:
                self._abort(transfer, _DISABLED)

    def _told_nothing(self, client: Client, id: int) -> None:
        """End a transfer of which *client* was not told how it stands."""
        transfer = self._running.get((client, id))
        if transfer is not None:
            self._abort(transfer, _DISABLED)
        else:
            self._tell(client, _disabled(id))

    def _begin(self, client: Client, start: FileXferStart) -> None:
        refusal = self._refusal(client, start)
        if refusal is not None:
            reason, status = refusal
            self._vm.log.warn(
                "file transfer of client {client} refused: {reason}",
                client=client.label,
                reason=reason,
            )
            self._tell(client, status)
            return
        upstream_id = next(self._upstream_ids)
        timer = self._vm.clock.callLater(_START_TIMEOUT, self._timed_out, upstream_id)
        transfer = _Transfer(client, start.id, upstream_id, start.size, timer)
        self._running[client, start.id] = transfer
        self._by_upstream_id[upstream_id] = transfer
        self._send(transfer, replace(start, id=upstream_id))
        self._vm.log.info(
            "file transfer of client {client} begins: {size} bytes",
            client=client.label,
            size=start.size,
        )

    def _refusal(
        self, client: Client, start: FileXferStart
    ) -> tuple[str, FileXferStatus] | None:
        """Return why *start* is refused, and the answer; None if it is not."""
        guest = self._vm.guest
        if not guest.up:
            return "no agent is up", FileXferStatus(start.id, _NOT_CONNECTED)
        if guest.can(Capability.VD_AGENT_CAP_FILE_XFER_DISABLED):
            return "the agent takes no files", FileXferStatus(start.id, _DISABLED)
        if not _is_file_name(start.name):
            return "its name is no file's", FileXferStatus(start.id, _ERROR)
        if (client, start.id) in self._running:
            return "one of its id is running", FileXferStatus(start.id, _ERROR)
        running = [transfer.client for transfer in self._running.values()]
        of_client = running.count(client)
        if (
            of_client >= self._options.max_transfers_of_client
            or len(running) >= self._options.max_transfers
        ):
            reason = f"{of_client} of that client, {len(running)} in all are running"
            return reason, FileXferStatus(
                start.id,
                _ERROR,
                error_type=_GLIB_IO,
                error_code=_G_IO_ERROR_TOO_MANY_OPEN_FILES,
            )
        return None

    def _forward(self, client: Client, message: FileXferData) -> None:
        transfer = self._running.get((client, message.id))
        if transfer is None:
            return
        transfer.sent += len(message.data)
        if transfer.sent > transfer.size:
            self._vm.log.warn(
                "client {client} has sent more than the {size} bytes of its file",
                client=client.label,
                size=transfer.size,
            )
            self._abort(transfer, _ERROR)
            return
        # A file without bytes is complete with one message that has none.
        for start in range(0, len(message.data) or 1, _MAX_DATA):
            data = message.data[start : start + _MAX_DATA]
            self._send(transfer, FileXferData(transfer.upstream_id, data))
        if transfer.sent == transfer.size:
            self._expect_end(transfer)

    def _send(self, transfer: _Transfer, message: FileXferStart | FileXferData) -> None:
        sending = self._vm.guest.send(message, source=transfer.client)
        if sending is not None and sending.undecided:
            waiting = [s for s in transfer.undecided if s.undecided]
            transfer.undecided = [*waiting, sending]

    def _expect_end(self, transfer: _Transfer) -> None:
        transfer.is_whole = True
        if transfer.timer.active():
            transfer.timer.cancel()
        clock, id = self._vm.clock, transfer.upstream_id
        transfer.timer = clock.callLater(_END_TIMEOUT, self._not_ended, id)

    def _told_by_guest(self, status: FileXferStatus) -> None:
        transfer = self._by_upstream_id.get(status.id)
        if transfer is None:
            return
        if status.result != _CAN_SEND_DATA:
            self._end(transfer, status.result)
        elif not transfer.is_whole and transfer.timer.active():
            transfer.timer.cancel()
        self._tell(transfer.client, replace(status, id=transfer.client_id))

    def _told_by_client(self, client: Client, status: FileXferStatus) -> None:
        transfer = self._running.get((client, status.id))
        if transfer is not None and status.result not in (_CAN_SEND_DATA, _SUCCESS):
            self._cancel(transfer, status.result)

    def _timed_out(self, upstream_id: int) -> None:
        transfer = self._by_upstream_id[upstream_id]
        self._give_up(transfer, _NOT_CONNECTED, _START_TIMEOUT)

    def _not_ended(self, upstream_id: int) -> None:
        transfer = self._by_upstream_id[upstream_id]
        if self._vm.guest.queued:
            self._expect_end(transfer)
        else:
            self._give_up(transfer, _ERROR, _END_TIMEOUT)

    def _give_up(self, transfer: _Transfer, result: int, seconds: float) -> None:
        """End a transfer of which the agent, if it is there yet, says nothing."""
        unanswered = FileXferData if result == _ERROR else FileXferStart
        self._vm.log.warn(
            "the guest has not answered a {message} in {seconds} s",
            message=MessageType(unanswered.number).name,
            seconds=seconds,
        )
        self._abort(transfer, result)
        self._vm.guest.doubt("it owes an answer", silent_for=seconds)

    def _abort_all(self) -> None:
        for transfer in list(self._running.values()):
            self._abort(transfer, _CANCELLED)

    def _abort(self, transfer: _Transfer | None, result: int) -> None:
        """End *transfer*, if there is one, and tell both sides."""
        if transfer is not None:
            self._cancel(transfer, result)
            self._tell(transfer.client, FileXferStatus(transfer.client_id, result))

    def _cancel(self, transfer: _Transfer, result: int) -> None:
        """End *transfer* and tell the agent: the Windows one heeds CANCELLED alone."""
        self._end(transfer, result)
        self._vm.guest.send(
            FileXferStatus(transfer.upstream_id, _CANCELLED), source=transfer.client
        )

    def _end(self, transfer: _Transfer, result: int) -> None:
        del self._running[transfer.client, transfer.client_id]
        del self._by_upstream_id[transfer.upstream_id]
        if transfer.timer.active():
            transfer.timer.cancel()
        for sending in transfer.undecided:
            sending.cancel()
        self._vm.log.info(
            "file transfer of client {client} of {size} bytes ends: {result}",
            client=transfer.client.label,
            size=transfer.size,
            result=_RESULT_NAMES.get(result, f"result {result}"),
        )

    def _tell(self, client: Client, status: FileXferStatus) -> None:
        """Tell *client* of one of its transfers, in such detail as it understands."""
        if not client.can(_DETAILED_ERRORS):
            result = status.result if status.result in _PLAIN_RESULTS else _ERROR
            status = FileXferStatus(status.id, result)
        client.send(status)


def _disabled(id: int) -> FileXferStatus:
    return FileXferStatus(id, _DISABLED)


def _is_file_name(name: str) -> bool:
    """Tell whether *name* can be that of a file, and has no path in it."""
    return (
        name not in ("", ".", "..")
        and len(name) <= _MAX_NAME
        and not any(c in "/\\" or category(c) == "Cc" for c in name)
    )


#: Which options ``make`` takes.
Options = FileTransferOptions


def make(options: FileTransferOptions) -> FileTransferHandler:
    """Return the handler for one VM."""
    return FileTransferHandler(options)
