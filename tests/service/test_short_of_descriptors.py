"""More clients than file descriptors, against the real process."""

from __future__ import annotations

import resource
import socket
import time
from contextlib import ExitStack

import pytest

from tests.peers.programs import wait_for
from tests.peers.rawclient import RawClient
from tests.peers.usage import cpu_seconds_of, files_of
from tests.service.twistd import PATIENCE, running
from tests.support import write
from vdproxy.wire.constants import Capability
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    MonConfig,
    MonitorsConfig,
    Reply,
)

CONFIG = MonitorsConfig(0, (MonConfig(800, 600),))
LIMIT = 64


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ini(endpoint):
    return (
        "[vdproxy]\nmax-clients = 300\nmax-clients-per-uid = 300\n"
        "[vm:demo]\nguest = simulated:\nmax-clients = 300\n"
        f"clients =\n    vdi unix:a.sock\n    vdi {endpoint}\n"
    )


def negotiated(client):
    client.expect(AnnounceCapabilities)
    client.announce(1, [Capability.VD_AGENT_CAP_REPLY])
    client.expect(AnnounceCapabilities)
    return client


def is_served(client):
    client.send(CONFIG)
    return client.expect(Reply).type == CONFIG.number


def is_let_in(path):
    """Tell whether one more client is, not turned away with the last of the crowd."""
    try:
        with RawClient.connect(path) as late:
            return is_served(negotiated(late))
    except (AssertionError, ConnectionError):
        return False


def load(pid, seconds):
    """Return the part of these seconds in which a process was at work."""
    before = cpu_seconds_of(pid)
    time.sleep(seconds)
    return (cpu_seconds_of(pid) - before) / seconds


def crowd(stack, family, address):
    """Have 200 clients connect, as many at once as can."""
    for _ in range(200):
        client = stack.enter_context(socket.socket(family))
        client.setblocking(False)
        client.connect_ex(address)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("unix", ()),
        ("tcp", ()),
        ("unix", ("--reactor=asyncio",)),
        ("tcp", ("--reactor=asyncio",)),
    ],
)
def test_clients_wait_when_descriptors_run_short(tmp_path, kind, options):
    path, port = tmp_path / "a.sock", free_port()
    write(tmp_path, ini(f"tcp:{port}:interface=127.0.0.1"))
    with (
        running(tmp_path, options=options) as program,
        RawClient.connect(path) as client,
    ):
        wait_for(
            lambda: program.log.count("listening for") == 2,
            PATIENCE,
            "both sockets",
            lambda: program.log,
        )
        negotiated(client)
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
        with ExitStack() as stack:
            if kind == "unix":
                crowd(stack, socket.AF_UNIX, str(path))
            else:
                crowd(stack, socket.AF_INET, ("127.0.0.1", port))
            wait_for(
                lambda: "run short" in program.log,
                PATIENCE,
                "word of it",
                lambda: program.log,
            )
            assert load(program.pid, 2) < 0.2
            assert is_served(client)
            opened = files_of(program.pid)
            assert LIMIT // 2 < opened <= LIMIT - 12, "no reserve is left"
        wait_for(
            lambda: "clients are let in" in program.log,
            PATIENCE,
            "the end of it",
            lambda: program.log,
        )
        wait_for(
            lambda: is_let_in(path),
            PATIENCE,
            "place for one more",
            lambda: program.log,
        )
        assert is_served(client)
        assert "Too many open files" not in program.log
        assert "Traceback" not in program.log
