"""``twistd vdproxy`` from start to end, as a process."""

from __future__ import annotations

import os
import re
import signal
import stat

import pytest

from tests.peers.model_agent import ModelAgent
from tests.peers.programs import wait_for
from tests.peers.rawclient import RawClient
from tests.service.twistd import PATIENCE, daemonised, pids_in, run, running
from tests.support import write
from vdproxy.wire.constants import MessageType, ReplyError
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    MonConfig,
    MonitorsConfig,
    Reply,
)

INI = "[vm:demo]\nguest = simulated:\nclients = vdi unix:a.sock\n"
NOWHERE = "[vm:lost]\nguest = simulated:\nclients = vdi unix:no/a.sock\n"
CONFIG = MonitorsConfig(0, (MonConfig(800, 600),))
ACCEPTED = Reply(MessageType.VD_AGENT_MONITORS_CONFIG, ReplyError.VD_AGENT_SUCCESS)


def session(path):
    """Be a client on the socket *path*; return the reply to a monitor layout."""
    with RawClient.connect(path) as client:
        client.expect(AnnounceCapabilities, PATIENCE)
        client.announce(0, (6,))
        client.send(CONFIG)
        return client.expect(Reply)


@pytest.mark.parametrize("options", [(), ("--reactor=asyncio",)])
def test_it_serves_until_sigterm_and_leaves_no_socket(tmp_path, options):
    write(tmp_path, INI)
    with running(tmp_path, options=options) as program:
        socket = tmp_path / "a.sock"
        assert stat.S_IMODE(socket.stat().st_mode) == 0o660
        assert session(socket) == ACCEPTED
        os.kill(program.pid, signal.SIGTERM)
        assert program.wait(5) == 0
        assert not socket.exists()
        assert "Traceback" not in program.log
        # Twisted keeps a file open for when there are no descriptors left.
        warnings = [line for line in program.log.splitlines() if "Warning" in line]
        assert [line for line in warnings if "name='/dev/null'" not in line] == []


def test_it_ends_within_seconds_though_clients_stay(tmp_path):
    write(tmp_path, INI)
    with running(tmp_path) as program, RawClient.connect(tmp_path / "a.sock") as client:
        client.expect(AnnounceCapabilities)
        os.kill(program.pid, signal.SIGTERM)
        assert program.wait(5) == 0
        assert client.closed()


def test_killed_it_starts_again_at_once(tmp_path):
    write(tmp_path, INI)
    with running(tmp_path) as program:
        program.kill()
    assert (tmp_path / "a.sock").is_socket()
    with running(tmp_path) as program:
        assert session(tmp_path / "a.sock") == ACCEPTED
        assert "cannot listen" not in program.log


def test_a_second_one_does_not_take_the_firsts_sockets(tmp_path):
    write(tmp_path, INI)
    with running(tmp_path):
        second = run(tmp_path, "-c", "vm.ini")
        assert second.returncode == 1
        assert "another process serves a.sock" in second.stdout
        assert session(tmp_path / "a.sock") == ACCEPTED


def test_a_vm_that_cannot_listen_or_connect_stops_no_other(tmp_path):
    away = "[vm:away]\nguest = unix:no/guest.sock\nclients = vdi unix:away.sock\n"
    write(tmp_path, NOWHERE + away + INI)
    with running(tmp_path) as program:
        wait_for((tmp_path / "a.sock").is_socket, PATIENCE, "socket of the good VM")
        assert session(tmp_path / "a.sock") == ACCEPTED
        assert (tmp_path / "away.sock").is_socket()
        assert program.log.count("lost: cannot listen for vdi clients") == 1
        assert "away: cannot connect to the guest's port unix:no/guest.sock" in (
            program.log
        )


def test_it_finds_a_guest_that_comes_later(tmp_path):
    write(tmp_path, INI.replace("simulated:", "unix:guest.sock"))
    with (
        running(tmp_path),
        ModelAgent(tmp_path / "guest.sock", listen=True) as agent,
    ):
        agent.accept(PATIENCE)
        assert session(tmp_path / "a.sock") == ACCEPTED
        assert agent.expect(MonitorsConfig) == CONFIG


def test_no_vm_that_can_listen_is_status_1_and_a_last_line(tmp_path):
    write(tmp_path, NOWHERE)
    done = run(tmp_path, "-c", "vm.ini")
    assert (done.returncode, done.stderr) == (1, "")
    assert "lost: cannot listen for vdi clients on unix:no/a.sock: " in done.stdout
    last = "vdproxy: no VM can listen for clients; see the log\n"
    assert done.stdout.endswith(last)
    assert "Traceback" not in done.stdout


def test_no_vm_that_can_listen_is_no_daemon(tmp_path):
    write(tmp_path, NOWHERE.replace("no/a.sock", f"{tmp_path}/no/a.sock"))
    with daemonised(tmp_path) as status:
        assert status == 1
        wait_for(lambda: not pids_in(tmp_path), 5, "end of the daemon")
        assert not (tmp_path / "twistd.pid").exists()


def test_a_daemon_serves_until_sigterm(tmp_path):
    write(tmp_path, INI)
    with daemonised(tmp_path) as status:
        assert status == 0
        pid = int((tmp_path / "twistd.pid").read_text())
        assert pids_in(tmp_path) == [pid]
        assert session(tmp_path / "a.sock") == ACCEPTED
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not pids_in(tmp_path), 5, "end of the daemon")
        assert not (tmp_path / "twistd.pid").exists()
        assert not (tmp_path / "a.sock").exists()


@pytest.mark.parametrize("check", [(), ("--check-config",)])
def test_a_bad_configuration_is_a_line_each_and_nothing_started(tmp_path, check):
    write(tmp_path, f"{INI}max-client = 3\n[vm:two]\nguest = unx:x\n")
    done = run(tmp_path, "-c", "vm.ini", *check)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "vm.ini: [vm:demo] max-client: unknown key, did you mean max-clients?",
        "vm.ini: [vm:two] guest: 'unx:x' is no client endpoint: "
        "unknown endpoint type unx, did you mean unix?",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["vm.ini"]


def test_a_good_configuration_is_checked_without_being_served(tmp_path):
    write(tmp_path, INI)
    done = run(tmp_path, "-c", "vm.ini", "--check-config")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["vm.ini"]


def test_without_a_configuration_it_says_what_is_needed(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 1
    assert "a configuration is needed: -c FILE" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


EVENTS = (
    "vdagent_open",
    "vdagent_close",
    "vdagent_send",
    "vdagent_recv_chunk",
    "vdagent_recv_msg",
    "vdagent_peer_cap",
)


def test_tracing_logs_the_six_events_of_guest_and_client(tmp_path):
    write(tmp_path, INI)
    with running(tmp_path, "--trace") as program:
        session(tmp_path / "a.sock")
        wait_for(
            lambda: "vdagent_close vm=demo client=vdi#1" in program.log,
            5,
            "vdagent_close",
        )
        log = program.log
    for event in EVENTS:
        assert f"{event} vm=demo client=vdi#1" in log
    for event in set(EVENTS) - {"vdagent_close"}:
        assert re.search(rf"{event} vm=demo(?! client=vdi)", log), event
    assert "message=VD_AGENT_MONITORS_CONFIG size=28" in log
    assert "capability=VD_AGENT_CAP_MONITORS_CONFIG" in log


def test_without_tracing_there_is_no_such_event(tmp_path):
    write(tmp_path, INI)
    with running(tmp_path) as program:
        session(tmp_path / "a.sock")
        wait_for(lambda: "client vdi#1 left" in program.log, 5, "end of the client")
        assert "vdagent_" not in program.log
