"""The guest's real agent, spice-vdagentd and spice-vdagent, without a guest."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tests.peers.programs import PATH, Program, find_program, start_xvfb, wait_for

#: The daemon logs this for each ANNOUNCE_CAPABILITIES with request=1, for each
#: request=0 it logs nothing.
_CLIENT_LOGGED = "New client connected"

#: The daemon logs this when it opens the port for a session agent, the first
#: time that this agent tells the size of its screen.
_OPENING_LOGGED = "opening vdagent virtio channel"

#: How long a daemon, a session agent or xclip may take, seconds. The session
#: agent waits for a window manager for most of its first second.
_PATIENCE = 10.0


class RealAgent:
    """
    spice-vdagentd and spice-vdagent around an X server of their own.

    *port* is the path of a Unix socket that plays the virtio port. Somebody
    else listens there, from before :meth:`start` on: the daemon connects when
    its session agent has told the size of the screen, and exits with status 1
    when it is refused. It does not notice that the other end has closed a
    connection until a first byte has come in over it.

    Everything else is in *directory*: the logs, ``uinput``, a plain file that
    gets the mouse's events, and ``files``, where file transfers go.
    """

    def __init__(self, directory: Path, port: Path) -> None:
        self.uinput = directory / "uinput"
        self.files = directory / "files"
        self._directory = directory
        self._port = port
        self._socket = directory / "agent.sock"
        self._daemon_log = directory / "spice-vdagentd.log"
        self._env: dict[str, str] = {}
        self._xvfb: Program | None = None
        self._daemon: Program | None = None
        self._session: Program | None = None
        self._copies: dict[str, Program] = {}

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the X server, the daemon and the session agent."""
        assert self._port.is_socket(), f"nobody listens on {self._port}"
        self.uinput.touch()
        self.files.mkdir(exist_ok=True)
        self._xvfb, display = start_xvfb(self._directory)
        directory = str(self._directory)
        self._env = {
            "PATH": PATH,
            "LC_ALL": "C.UTF-8",
            "DISPLAY": display,
            "HOME": directory,
            "XDG_RUNTIME_DIR": directory,
            "XDG_CONFIG_HOME": directory,
            "XDG_CACHE_HOME": directory,
            "XDG_DATA_HOME": directory,
            # There is no session bus, and none is to be started.
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={directory}/no-bus",
            "NO_AT_BRIDGE": "1",
        }
        self.start_daemon()
        self.start_session()

    def stop(self) -> None:
        """Stop all of it, the guest's applications first."""
        programs = [*self._copies.values(), self._session, self._daemon, self._xvfb]
        self._copies.clear()
        self._session = self._daemon = self._xvfb = None
        for program in programs:
            if program is not None:
                program.stop()

    def restart(self) -> None:
        """Stop the session agent and the daemon, and start new ones."""
        for program in (self._session, self._daemon):
            if program is not None:
                program.stop()
        self.start_daemon()
        self.start_session()

    def start_daemon(self) -> None:
        """Start spice-vdagentd, which leaves the port alone until a session comes."""
        assert self._daemon is None or not self._daemon.running
        # A killed daemon leaves its socket, and a new one will not replace it.
        self._socket.unlink(missing_ok=True)
        command = [find_program("spice-vdagentd", "spice-vdagent")]
        command += ["-x", "-d", "-d", "-X", "-f", "-u", str(self.uinput)]
        command += ["-s", str(self._port), "-S", str(self._socket)]
        self._daemon = Program(command, self._daemon_log, self._env)
        wait_for(self._socket.is_socket, _PATIENCE, "spice-vdagentd", lambda: self.log)

    def start_session(self) -> None:
        """Start spice-vdagent and return when the daemon opens the port for it."""
        # The daemon closes the port while it has two of them.
        assert self._session is None or not self._session.running
        opened = self.log.count(_OPENING_LOGGED)
        command = [find_program("spice-vdagent", "spice-vdagent"), "-x", "-d"]
        command += ["-s", str(self._port), "-S", str(self._socket)]
        command += ["-f", str(self.files), "-o", "0"]
        log = self._directory / "spice-vdagent.log"
        session = self._session = Program(command, log, self._env)
        wait_for(
            lambda: self.log.count(_OPENING_LOGGED) > opened,
            _PATIENCE,
            "session agent",
            lambda: self.log + session.log,
        )

    def kill_daemon(self) -> None:
        """End spice-vdagentd between two instructions; its session agent follows."""
        assert self._daemon is not None
        self._daemon.kill()
        if self._session is not None:
            # Status -11: without a session bus spice-vdagent trips on its way out.
            self._session.wait(_PATIENCE)

    def kill_session(self) -> None:
        """End spice-vdagent; the daemon then closes the port and stays."""
        assert self._session is not None
        self._session.kill()

    def kill(self) -> None:
        """End both at once, also when they are paused."""
        for program in (self._daemon, self._session):
            assert program is not None
            program.kill()

    @contextlib.contextmanager
    def paused(self, *, daemon: bool = False) -> Iterator[None]:
        """Let spice-vdagent, or the daemon, hang for a while or until it is killed."""
        program = self._daemon if daemon else self._session
        assert program is not None
        os.kill(program.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if program.running:
                os.kill(program.pid, signal.SIGCONT)

    @property
    def pids(self) -> tuple[int, int]:
        """The process ids of the daemon and of its session agent, which run."""
        assert self._daemon is not None
        assert self._session is not None
        assert self._daemon.running, self.log
        assert self._session.running, self._session.log
        return self._daemon.pid, self._session.pid

    @property
    def log(self) -> str:
        """What the daemon, in all its lives, has logged so far."""
        return self._daemon_log.read_text(errors="replace")

    @property
    def connections_logged(self) -> int:
        """How often the daemon was told of a new client: ANNOUNCE with request=1."""
        return self.log.count(_CLIENT_LOGGED)

    def screen_size(self) -> tuple[int, int]:
        """Return the width and height of the guest's screen, pixels."""
        output = self._run([find_program("xdpyinfo", "x11-utils")])
        size = re.search(rb"dimensions: +(\d+)x(\d+) pixels", output)
        assert size is not None, output
        return int(size[1]), int(size[2])

    def copy(
        self,
        data: str | bytes,
        selection: str = "clipboard",
        target: str = "UTF8_STRING",
    ) -> None:
        """Let a guest application own *selection* with *data*."""
        self.stop_copying(selection)
        source = self._directory / f"copied-{selection}"
        source.write_bytes(data.encode() if isinstance(data, str) else data)
        # Told to be quiet it stays in the foreground, and says when it is ready.
        command = [find_program("xclip", "xclip"), "-in", "-quiet", "-target", target]
        command += ["-selection", selection, str(source)]
        log = self._directory / f"xclip-{selection}.log"
        log.unlink(missing_ok=True)
        owner = self._copies[selection] = Program(command, log, self._env)
        wait_for(lambda: "Waiting" in owner.log, _PATIENCE, "xclip", lambda: owner.log)

    def stop_copying(self, selection: str = "clipboard") -> None:
        """End the guest application that owns *selection*, if one does."""
        if selection in self._copies:
            self._copies.pop(selection).stop()

    def paste(self, selection: str = "clipboard") -> str:
        """
        Return the text that a guest application gets from *selection*.

        :raises subprocess.CalledProcessError: there is none.
        :raises subprocess.TimeoutExpired: the owner does not answer.
        """
        return self.paste_as("UTF8_STRING", selection).decode()

    def paste_as(
        self, target: str, selection: str = "clipboard", seconds: float = _PATIENCE
    ) -> bytes:
        """Return the data of an X target; raises what :meth:`paste` raises."""
        command = [find_program("xclip", "xclip"), "-out", "-target", target]
        return self._run([*command, "-selection", selection], seconds)

    def targets(self, selection: str = "clipboard") -> list[str]:
        """
        Return the X targets that there are of *selection*, none without an owner.

        The session agent tells its own, so this asks no client for anything.
        """
        for _ in range(5):
            try:
                return self.paste_as("TARGETS", selection, 2).decode().split()
            except subprocess.CalledProcessError:
                return []
            except subprocess.TimeoutExpired:
                # An owner that gives up just then answers nobody: ask the next one.
                continue
        raise TimeoutError(f"the owner of {selection} tells no targets")

    def _run(self, command: list[str], seconds: float = _PATIENCE) -> bytes:
        result = subprocess.run(
            command, env=self._env, capture_output=True, timeout=seconds, check=True
        )
        return result.stdout
