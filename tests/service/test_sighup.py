"""SIGHUP: the configuration is read anew, at any time and under load."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.peers.programs import Program, wait_for
from tests.service.guest import PATIENCE, client, port
from tests.service.twistd import ENV, TWISTD, running
from tests.support import write
from vdproxy.wire.constants import MessageType, ReplyError
from vdproxy.wire.messages import MonConfig, MonitorsConfig, Reply

INI = "[vm:demo]\nguest = simulated:\nclients = vdi unix:a\n"
TWO = "[vm:two]\nguest = simulated:\nclients = vdi unix:b\n"
CONFIG = MonitorsConfig(0, (MonConfig(800, 600),))
ACCEPTED = Reply(MessageType.VD_AGENT_MONITORS_CONFIG, ReplyError.VD_AGENT_SUCCESS)
ANEW = "the configuration was read anew"


def reload(program, word=ANEW):
    """Send SIGHUP and wait until the log says *word* once more."""
    seen = program.log.count(word)
    program.send(signal.SIGHUP)
    wait_for(lambda: program.log.count(word) > seen, PATIENCE, word)


@pytest.mark.parametrize("reactor", ["epoll", "asyncio"])
def test_a_vm_comes_and_goes_while_a_client_of_another_works(tmp_path, reactor):
    write(tmp_path, INI)
    with (
        running(tmp_path, options=(f"--reactor={reactor}",)) as program,
        client(tmp_path / "a") as viewer,
    ):
        write(tmp_path, INI + TWO)
        reload(program)
        with client(tmp_path / "b") as other:
            write(tmp_path, INI)
            reload(program)
            assert other.closed()
        viewer.send(CONFIG)
        assert viewer.expect(Reply) == ACCEPTED
        assert "Traceback" not in program.log


def test_a_bad_file_is_said_in_the_log_and_changes_nothing(tmp_path):
    write(tmp_path, INI)
    with running(tmp_path) as program, client(tmp_path / "a") as viewer:
        write(tmp_path, INI + "max-client = 3\n")
        reload(program, "the configuration stays as it was: the new one is bad")
        known = "vm.ini: [vm:demo] max-client: unknown key, did you mean max-clients?"
        assert program.log.count(known) == 1
        viewer.send(CONFIG)
        assert viewer.expect(Reply) == ACCEPTED


def test_one_that_comes_before_it_runs_does_no_harm(tmp_path):
    write(tmp_path, INI)
    log = tmp_path / "log"
    command = [TWISTD, "-n", "--pidfile=", "vdproxy", "-c", "vm.ini"]
    program = Program(command, log, ENV)
    try:
        wait_for(lambda: catches_sighup(program.pid), PATIENCE, "handler")
        for _ in range(50):
            program.send(signal.SIGHUP)
        wait_for((tmp_path / "a").is_socket, PATIENCE, "socket", log.read_text)
        with client(tmp_path / "a"):
            pass
        wait_for(lambda: ANEW in program.log, PATIENCE, "reload")
        assert "Traceback" not in program.log
    finally:
        program.stop()


def catches_sighup(pid):
    caught = [
        line.split()[1]
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("SigCgt:")
    ]
    return int(caught[0], 16) & 1 << signal.SIGHUP - 1


def test_a_hundred_in_a_row_are_no_more_than_one(tmp_path):
    write(tmp_path, INI)
    with running(tmp_path) as program, client(tmp_path / "a") as viewer:
        reload(program)
        for _ in range(100):
            program.send(signal.SIGHUP)
            time.sleep(0.005)
        before = descriptors_of(program)
        viewer.send(CONFIG)
        assert viewer.expect(Reply) == ACCEPTED
        reload(program)
        assert descriptors_of(program) == before
        assert "Traceback" not in program.log


def descriptors_of(program):
    return len(list(Path(f"/proc/{program.pid}/fd").iterdir()))


def test_a_guest_that_is_busy_notices_nothing(tmp_path):
    text = "[vm:demo]\nguest = unix:g\nclients = vdi unix:a\n{}"
    write(tmp_path, text.format(""))
    with (
        port(tmp_path / "g") as guest,
        running(tmp_path) as program,
        guest.accept() as agent,
        client(tmp_path / "a") as viewer,
    ):
        for number in range(1, 20):
            write(tmp_path, text.format(f"max-clients = {number}\n"))
            program.send(signal.SIGHUP)
            viewer.send(CONFIG)
            assert agent.expect(MonitorsConfig) == CONFIG
            agent.send(ACCEPTED)
            assert viewer.expect(Reply) == ACCEPTED
        assert guest.idle()
