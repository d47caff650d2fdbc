"""The guest's side of a virtio-serial port, driven over QEMU's qtest socket."""

from __future__ import annotations

import base64
import socket
import struct
import threading
from pathlib import Path

#: The page that a :class:`~tests.qemu.machine.Machine` has its device at, and where
#: in its memory the queues may be.
_DEVICE = 0xFEB00000
_MEMORY = 0x100000

#: Registers of a virtio-mmio device, and bits of its status.
_DEVICE_ID = 0x08
_DRIVER_FEATURES, _DRIVER_FEATURES_SEL = 0x20, 0x24
_QUEUE_SEL, _QUEUE_NUM, _QUEUE_READY, _QUEUE_NOTIFY = 0x30, 0x38, 0x44, 0x50
_STATUS = 0x70
_QUEUE_DESC, _QUEUE_DRIVER, _QUEUE_DEVICE = 0x80, 0x90, 0xA0
_ACKNOWLEDGE, _DRIVER, _DRIVER_OK, _FEATURES_OK = 1, 2, 4, 8

_CONSOLE = 3
_MULTIPORT = 1 << 1
_VERSION_1 = 1 << 0  # Of the second word.

#: Queues: those of port 0, a console's, stay unused.
_CONTROL_IN, _CONTROL_OUT, _PORT_IN, _PORT_OUT = 2, 3, 4, 5
_QUEUES = {_CONTROL_IN: 32, _CONTROL_OUT: 32, _PORT_IN: 4096, _PORT_OUT: 32768}

#: Buffers in a queue, and where its parts are from its beginning on.
_BUFFERS = 128
_AVAILABLE, _USED, _CONTENT = 0x1000, 0x2000, 0x3000
_DEVICE_WRITES = 2

#: A control message: the port, what happens, and to what.
_CONTROL = struct.Struct("<IHH")
_DEVICE_READY, _PORT_READY, _PORT_OPEN = 0, 3, 6
_PORT = 1
_ANY_PORT = 0xFFFFFFFF

_SECONDS = 10.0


class QTest:
    """QEMU's qtest socket: access to the machine's memory, for any thread."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = socket.socket(socket.AF_UNIX)
        try:
            self._connection.settimeout(_SECONDS)
            self._connection.connect(str(path))
            self._answers = self._connection.makefile("r")
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        self._answers.close()
        self._connection.close()

    def read(self, address: int, size: int) -> bytes:
        return base64.b64decode(self._ask(f"b64read {address:#x} {size:#x}"))

    def write(self, address: int, data: bytes) -> None:
        text = base64.b64encode(data).decode()
        self._ask(f"b64write {address:#x} {len(data):#x} {text}")

    def read_register(self, address: int) -> int:
        return int(self._ask(f"readl {address:#x}"), 16)

    def write_register(self, address: int, value: int) -> None:
        self._ask(f"writel {address:#x} {value:#x}")

    def _ask(self, command: str) -> str:
        with self._lock:
            self._connection.sendall(command.encode() + b"\n")
            status, _, answer = self._answers.readline().strip().partition(" ")
        if status != "OK":
            raise ConnectionError(f"{command:.60} -> {status} {answer}")
        return answer


class _Queue:
    """A split virtqueue, each buffer with one descriptor."""

    def __init__(self, qtest: QTest, index: int, memory: int, *, incoming: bool):
        self._qtest = qtest
        self._index = index
        self._memory = memory
        self._incoming = incoming
        self._given = 0
        self._taken = 0
        self.free = list(range(_BUFFERS))
        qtest.write_register(_DEVICE + _QUEUE_SEL, index)
        qtest.write_register(_DEVICE + _QUEUE_NUM, _BUFFERS)
        parts = {_QUEUE_DESC: 0, _QUEUE_DRIVER: _AVAILABLE, _QUEUE_DEVICE: _USED}
        for register, offset in parts.items():
            qtest.write_register(_DEVICE + register, memory + offset)
            qtest.write_register(_DEVICE + register + 4, 0)
        qtest.write(memory, bytes(_CONTENT))
        qtest.write_register(_DEVICE + _QUEUE_READY, 1)
        self.give_all()

    @property
    def size(self) -> int:
        """The bytes of a buffer."""
        return _QUEUES[self._index]

    def give_all(self) -> None:
        """Give the device all buffers to write to, if that is what it does."""
        if self._incoming and self.free:
            while self.free:
                self._give(self.free.pop(), self.size)
            self._notify()

    def send(self, data: bytes) -> None:
        """Give the device a buffer with *data*; there must be a free one."""
        buffer = self.free.pop()
        self._qtest.write(self._content(buffer), data)
        self._give(buffer, len(data))
        self._notify()

    @property
    def done(self) -> int:
        """How many buffers the device is done with that have not been taken back."""
        (done,) = struct.unpack("<H", self._qtest.read(self._memory + _USED + 2, 2))
        return (done - self._taken) & 0xFFFF

    def take(self) -> list[bytes]:
        """Take the buffers back that the device is done with: what it wrote there."""
        contents = []
        for _ in range(self.done):
            entry = self._memory + _USED + 4 + 8 * (self._taken % _BUFFERS)
            buffer, size = struct.unpack("<II", self._qtest.read(entry, 8))
            if self._incoming:
                contents.append(self._qtest.read(self._content(buffer), size))
            self.free.append(buffer)
            self._taken = (self._taken + 1) & 0xFFFF
        return contents

    def _content(self, buffer: int) -> int:
        return self._memory + _CONTENT + buffer * self.size

    def _give(self, buffer: int, size: int) -> None:
        flags = _DEVICE_WRITES if self._incoming else 0
        descriptor = struct.pack("<QIHH", self._content(buffer), size, flags, 0)
        self._qtest.write(self._memory + 16 * buffer, descriptor)
        ring = self._memory + _AVAILABLE
        place = ring + 4 + 2 * (self._given % _BUFFERS)
        self._qtest.write(place, struct.pack("<H", buffer))
        self._given = (self._given + 1) & 0xFFFF
        self._qtest.write(ring + 2, struct.pack("<H", self._given))

    def _notify(self) -> None:
        self._qtest.write_register(_DEVICE + _QUEUE_NOTIFY, self._index)


class VirtioPort:
    """
    What the kernel of a guest makes of a virtio port, and what it lets programs do.

    Everything is done when it is asked for: of what the host sends, as much as the
    buffers hold is with the guest before anybody calls :meth:`read`.
    """

    def __init__(self, path: Path) -> None:
        """Drive the machine whose qtest socket is *path*."""
        self._qtest = QTest(path)
        self.start()

    def shut(self) -> None:
        """Leave the machine as it is."""
        self._qtest.close()

    def start(self) -> None:
        """Begin anew, as a kernel does that boots; the port is closed then."""
        assert self._qtest.read_register(_DEVICE + _DEVICE_ID) == _CONSOLE
        self._host_connected = False
        status = _ACKNOWLEDGE | _DRIVER
        self._qtest.write_register(_DEVICE + _STATUS, 0)
        self._qtest.write_register(_DEVICE + _STATUS, status)
        for word, features in enumerate((_MULTIPORT, _VERSION_1)):
            self._qtest.write_register(_DEVICE + _DRIVER_FEATURES_SEL, word)
            self._qtest.write_register(_DEVICE + _DRIVER_FEATURES, features)
        status |= _FEATURES_OK
        self._qtest.write_register(_DEVICE + _STATUS, status)
        self._queues: dict[int, _Queue] = {}
        memory = _MEMORY
        for index, size in _QUEUES.items():
            incoming = index in (_CONTROL_IN, _PORT_IN)
            self._queues[index] = _Queue(self._qtest, index, memory, incoming=incoming)
            memory += _CONTENT + _BUFFERS * size
        self._qtest.write_register(_DEVICE + _STATUS, status | _DRIVER_OK)
        for index in (_CONTROL_IN, _PORT_IN):
            self._qtest.write_register(_DEVICE + _QUEUE_NOTIFY, index)
        self._control(_ANY_PORT, _DEVICE_READY, 1)
        self._control(_PORT, _PORT_READY, 1)

    def open(self) -> None:
        """Open the port."""
        self._control(_PORT, _PORT_OPEN, 1)

    def close(self) -> None:
        """Close the port and discard what came and was not read, as Linux does."""
        self._control(_PORT, _PORT_OPEN, 0)
        self.read()

    @property
    def host_connected(self) -> bool:
        """Whether somebody is at the other end, as far as the guest is told."""
        queue = self._queues[_CONTROL_IN]
        news = queue.take()
        queue.give_all()
        for message in news:
            port, event, value = _CONTROL.unpack_from(message)
            if (port, event) == (_PORT, _PORT_OPEN):
                self._host_connected = bool(value)
        return self._host_connected

    @property
    def is_full(self) -> bool:
        """Whether what has come and was not read leaves room for no more."""
        return self._queues[_PORT_IN].done == _BUFFERS

    def read(self) -> bytes:
        """Return what has come, and make room for more."""
        queue = self._queues[_PORT_IN]
        data = b"".join(queue.take())
        queue.give_all()
        return data

    def write(self, data: bytes) -> int:
        """
        Send what there is room for and return the number of its bytes.

        There is none while nobody is at the other end: QEMU would drop it.
        """
        if not self.host_connected:
            return 0
        queue = self._queues[_PORT_OUT]
        queue.take()
        sent = 0
        while queue.free and sent < len(data):
            block = data[sent : sent + queue.size]
            queue.send(block)
            sent += len(block)
        return sent

    def _control(self, port: int, event: int, value: int) -> None:
        queue = self._queues[_CONTROL_OUT]
        queue.take()
        queue.send(_CONTROL.pack(port, event, value))
