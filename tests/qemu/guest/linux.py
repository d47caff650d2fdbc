"""QEMU with a Linux in it that has a real agent."""

from __future__ import annotations

import base64
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.peers.programs import PATH, Program, find_program, wait_for
from tests.qemu.monitor import Monitor

#: What tests/qemu/guest/build has made.
_BUILT = Path(__file__).parents[3] / ".cache" / "guest"

#: How long QEMU may take to open its sockets, and the guest to boot or to run a
#: script, seconds.
_QEMU_SECONDS = 20.0
_GUEST_SECONDS = 60.0


class Linux:
    """
    A QEMU without KVM, and its guest.

    Its files are in *directory*. ``agent_port`` is the socket of the agent's port,
    ``qmp`` one for vdproxy to hear from QEMU, ``monitor`` the test's own.
    """

    monitor: Monitor
    _control: socket.socket

    def __init__(self, directory: Path) -> None:
        self.agent_port = directory / "agent.sock"
        self.qmp = directory / "qmp.sock"
        self._directory = directory
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start QEMU, which begins to boot the guest."""
        initrd = _BUILT / "initrd.img"
        assert initrd.exists(), f"{initrd} is missing: see what `make guest` says"
        monitor = self._directory / "monitor.sock"
        control = self._directory / "control.sock"
        command = [
            find_program("qemu-system-x86_64", "qemu-system-x86"),
            *("-machine", "pc,accel=tcg", "-m", "1024"),
            *("-nodefaults", "-no-user-config", "-display", "none"),
            *("-kernel", str(_BUILT / "vmlinuz"), "-initrd", str(initrd)),
            *("-append", "console=ttyS0 mitigations=off tsc=unstable panic=-1"),
            *("-serial", f"file:{self._directory / 'console.log'}"),
            *("-qmp", f"unix:{monitor},server=on,wait=off"),
            *("-qmp", f"unix:{self.qmp},server=on,wait=off"),
            *("-device", "virtio-serial-pci"),
            *_port("agent", self.agent_port, "com.redhat.spice.0"),
            *_port("control", control, "control"),
        ]
        for path in (monitor, control):
            path.unlink(missing_ok=True)
        qemu = Program(command, self._directory / "qemu.log", {"PATH": PATH})
        self._stack.callback(qemu.kill)
        try:
            wait_for(
                lambda: (
                    (monitor.is_socket() and control.is_socket()) or not qemu.running
                ),
                _QEMU_SECONDS,
                "QEMU",
                lambda: qemu.log,
            )
            assert qemu.running, qemu.log
            self.monitor = Monitor(monitor)
            self._stack.callback(self.monitor.close)
            self._control = self._stack.enter_context(socket.socket(socket.AF_UNIX))
            self._control.settimeout(_GUEST_SECONDS)
            self._control.connect(str(control))
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End QEMU at once."""
        self._stack.close()

    def run(self, script: str) -> str:
        """
        Run a shell script in the guest, when it has booted, and return its output.

        That is of standard output and standard error. What a script leaves running
        must not keep them.
        """
        self._control.sendall(base64.b64encode(script.encode()) + b"\n")
        with self._control.makefile("rb") as answer:
            try:
                status, size = map(int, answer.readline().split())
            except TimeoutError:
                raise TimeoutError(f"the guest says nothing\n{self.log}") from None
            output = answer.read(size).decode()
        assert status == 0, f"{script!r} ends with {status} in the guest: {output}"
        return output

    @property
    def log(self) -> str:
        """What the guest has written to its console."""
        return (self._directory / "console.log").read_text(errors="replace")


def _port(label: str, path: Path, name: str) -> list[str]:
    """Return QEMU's options for a port of the guest and its socket."""
    chardev = f"socket,id={label}-socket,path={path},server=on,wait=off"
    device = f"virtserialport,id={label},chardev={label}-socket,name={name}"
    return ["-chardev", chardev, "-device", device]
