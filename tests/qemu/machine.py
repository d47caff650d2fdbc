"""QEMU, with a virtio-serial port and no operating system in it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.peers.programs import PATH, Program, find_program, wait_for
from tests.qemu.monitor import Monitor
from tests.qemu.vport import VirtioPort

_PATIENCE = 20.0

#: All that the machine's processor does: cli; hlt; and that again, from the end of
#: its firmware on.
_HALT = bytes(0x10000 - 16) + b"\xfa\xf4\xeb\xfd" + bytes(12)


class Machine:
    """
    QEMU under TCG; whoever drives ``port`` is the guest.

    The chardev's socket is *socket*, where QEMU listens, or with *connects*
    connects to and again each second. ``directory/qmp.sock`` is a QMP socket for
    vdproxy, ``monitor`` the test's own.
    """

    port: VirtioPort
    monitor: Monitor

    def __init__(
        self, directory: Path, socket: Path, *, connects: bool = False
    ) -> None:
        self.qmp = directory / "qmp.sock"
        self._directory = directory
        role = "reconnect=1" if connects else "server=on,wait=off"
        self._chardev = f"socket,id=char0,path={socket},{role}"
        self._program: Program | None = None
        self._connections = ExitStack()
        (directory / "halt.bin").write_bytes(_HALT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.kill()
        self._connections.close()

    def start(self) -> None:
        """Start it; its port is closed."""
        self._connections.close()
        qtest = self._directory / "qtest.sock"
        monitor = self._directory / "monitor.sock"
        command = [
            find_program("qemu-system-x86_64", "qemu-system-x86"),
            *("-M", "microvm,rtc=off,pit=off,pic=off", "-accel", "tcg", "-m", "32"),
            *("-bios", str(self._directory / "halt.bin"), "-display", "none"),
            *("-nodefaults", "-no-user-config"),
            *("-qtest", f"unix:{qtest},server=on,wait=off", "-qtest-log", "none"),
            *("-qmp", f"unix:{monitor},server=on,wait=off"),
            *("-qmp", f"unix:{self.qmp},server=on,wait=off"),
            *("-global", "virtio-mmio.force-legacy=false"),
            *("-device", "virtio-serial-device,bus=virtio-mmio-bus.0"),
            *("-chardev", self._chardev),
            "-device",
            "virtserialport,chardev=char0,nr=1,id=agent,name=com.redhat.spice.0",
        ]
        log = self._directory / "qemu.log"
        program = self._program = Program(command, log, {"PATH": PATH})
        try:
            self.monitor = wait_for(
                lambda: _connect(monitor, program),
                _PATIENCE,
                "QEMU",
                lambda: program.log,
            )
            self._connections.callback(self.monitor.close)
            self.port = VirtioPort(qtest)
            self._connections.callback(self.port.shut)
        except BaseException:
            program.kill()
            raise

    def kill(self) -> None:
        """End it as a crash does; the test's own connections see it."""
        if self._program is not None:
            self._program.kill()
            self._program = None


def _connect(path: Path, program: Program) -> Monitor | None:
    assert program.running, program.log
    try:
        return Monitor(path)
    except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError):
        return None
