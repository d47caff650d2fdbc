"""SIGTERM: over in five seconds, and nobody is left in the middle of a message."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager

import pytest

from tests.peers.programs import wait_for
from tests.service.guest import PATIENCE, client, port
from tests.service.twistd import running
from tests.support import write
from vdproxy.wire.constants import ClipboardType, FileXferStatusResult
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
    FileXferData,
    FileXferStart,
    FileXferStatus,
)

INI = """\
[vm:demo]
guest = unix:g
clients = vdi unix:a
handlers = clipboard, file-transfer
"""
TEXT = ClipboardType.VD_AGENT_CLIPBOARD_UTF8_TEXT
CAN_SEND = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA
CANCELLED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CANCELLED

#: More than sockets and transports hold, bytes.
MUCH = 4 * 1024 * 1024

#: Seconds that the end may take.
LIMIT = 5.0


@contextmanager
def served(tmp_path, **options):
    """Run vdproxy, with *options* of ``running``, between an agent and a client."""
    write(tmp_path, INI)
    with (
        port(tmp_path / "g") as guest,
        running(tmp_path, **options) as program,
        guest.accept() as agent,
        client(tmp_path / "a") as viewer,
    ):
        yield program, agent, viewer


def paste(agent, viewer):
    """Have the agent ask for a large clipboard of the client, and it be on its way."""
    viewer.send(ClipboardGrab(0, (TEXT,)))
    agent.expect(ClipboardGrab)
    agent.send(ClipboardRequest(0, TEXT))
    viewer.expect(ClipboardRequest)
    viewer.send(Clipboard(0, TEXT, bytes(MUCH)))


def ended(program, *signals):
    """Send signals 0.4 s apart; return the exit status and the seconds it took."""
    began = time.monotonic()
    for number in signals or (signal.SIGTERM,):
        program.send(number)
        time.sleep(0.4)
    status = program.wait(LIMIT)
    return status, time.monotonic() - began


@pytest.mark.parametrize("reactor", ["epoll", "asyncio"])
def test_the_message_that_has_begun_ends_and_transfers_are_cancelled(tmp_path, reactor):
    with served(tmp_path, options=(f"--reactor={reactor}",)) as (
        program,
        agent,
        viewer,
    ):
        viewer.send(FileXferStart(9, "a", 100))
        id = agent.expect(FileXferStart).id
        agent.send(FileXferStatus(id, CAN_SEND))
        viewer.expect(FileXferStatus)
        paste(agent, viewer)
        program.send(signal.SIGTERM)
        assert viewer.expect(FileXferStatus) == FileXferStatus(9, CANCELLED)
        assert viewer.closed()
        assert program.running, "it did not wait for the guest"
        assert len(agent.expect(Clipboard).data) == MUCH
        assert agent.closed()
        # It may take the other port, past the message that is on its way.
        assert FileXferStatus(id, CANCELLED) in agent.others
        assert program.wait(LIMIT) == 0
        assert not (tmp_path / "a").exists()


def test_what_had_not_begun_is_not_sent(tmp_path):
    with (
        served(tmp_path) as (program, agent, viewer),
        client(tmp_path / "a") as other,
    ):
        other.send(FileXferStart(9, "a", 2**20))
        agent.send(FileXferStatus(agent.expect(FileXferStart).id, CAN_SEND))
        other.expect(FileXferStatus)
        paste(agent, viewer)
        time.sleep(0.3)
        other.send(FileXferData(9, bytes(65536)))
        time.sleep(0.3)
        program.send(signal.SIGTERM)
        agent.expect(Clipboard)
        assert agent.closed()
        assert not any(isinstance(m, FileXferData) for m in agent.others)
        assert program.wait(LIMIT) == 0


def test_a_guest_that_reads_nothing_does_not_hold_it_up(tmp_path):
    with served(tmp_path) as (program, agent, viewer):
        paste(agent, viewer)
        status, seconds = ended(program)
        assert (status, seconds < LIMIT) == (0, True)
        assert "the guest has not taken all that was sent to it" in program.log


def test_a_client_that_reads_nothing_does_not_hold_it_up(tmp_path):
    with served(tmp_path) as (program, agent, viewer):
        agent.send(ClipboardGrab(0, (TEXT,), 0))
        viewer.expect(ClipboardGrab)
        viewer.send(ClipboardRequest(0, TEXT))
        agent.expect(ClipboardRequest)
        agent.send(Clipboard(0, TEXT, bytes(MUCH)))
        status, seconds = ended(program)
        assert (status, seconds < 3) == (0, True)


HANGS = """\
from twisted.internet.defer import Deferred
from zope.interface import implementer
from vdproxy.api import AnnounceCapabilities, Filter, IMessageFilter
@implementer(IMessageFilter)
class Hangs(Filter):
    def incoming(self, peer, message):
        return None if isinstance(message, AnnounceCapabilities) else Deferred()
    outgoing = incoming
def make(options):
    return Hangs()
"""
DECLARED = """\
from vdproxy.makers import FilterMaker
maker = FilterMaker("hangs", "hangs", "Never answers.")
"""


def test_a_filter_that_hangs_does_not_hold_it_up(tmp_path):
    write(tmp_path, f"{INI}filters = hangs\n")
    plugins = tmp_path / "more"
    (plugins / "twisted" / "plugins").mkdir(parents=True)
    write(plugins, HANGS, "hangs.py")
    write(plugins / "twisted" / "plugins", DECLARED, "vdproxy_hangs.py")
    with (
        port(tmp_path / "g") as guest,
        running(tmp_path, plugins=plugins) as program,
        guest.accept(),
        client(tmp_path / "a") as viewer,
    ):
        viewer.send(ClipboardGrab(0, (TEXT,)))
        time.sleep(0.3)
        status, seconds = ended(program)
        assert (status, seconds < 3) == (0, True)
        assert "Traceback" not in program.log


def test_a_guest_without_an_agent_is_not_waited_for(tmp_path):
    write(tmp_path, INI)
    with port(tmp_path / "g"), running(tmp_path) as program:
        wait_for(lambda: "connected to the guest" in program.log, PATIENCE, "port")
        status, seconds = ended(program)
        assert (status, seconds < 2) == (0, True)


@pytest.mark.parametrize("reactor", ["epoll", "asyncio"])
def test_more_signals_meanwhile_do_no_harm(tmp_path, reactor):
    with served(tmp_path, options=(f"--reactor={reactor}",)) as (
        program,
        agent,
        viewer,
    ):
        paste(agent, viewer)
        more = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
        status, seconds = ended(program, *more)
        assert (status, seconds < LIMIT) == (0, True)
        assert "Traceback" not in program.log
        assert not (tmp_path / "a").exists()


def test_sigint_ends_it_likewise(tmp_path):
    write(tmp_path, INI)
    with running(tmp_path) as program:
        assert ended(program, signal.SIGINT)[0] == 0
        assert not (tmp_path / "a").exists()
