"""What the service manager is told, in the bytes of sd_notify(3)."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from contextlib import contextmanager

import pytest

from tests.service.twistd import PATIENCE, running
from tests.support import write
from vdproxy.service.notify import Notifier

INI = "[vm:demo]\nguest = simulated:\nclients = vdi unix:a\n"


@contextmanager
def manager(address):
    """Be the service manager at an address; yield what receives the next word."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address.replace("@", "\0"))
        listener.settimeout(PATIENCE)
        yield lambda: listener.recv(4096).decode().splitlines()


@pytest.fixture(params=["path", "abstract"])
def address(request, tmp_path):
    if request.param == "path":
        return str(tmp_path / "n")
    return f"@vdproxy-test-{os.getpid()}"


def test_a_path_or_an_abstract_name_is_told(address):
    with manager(address) as told:
        notifier = Notifier({"NOTIFY_SOCKET": address})
        notifier.ready("serving demo")
        assert told() == ["READY=1", "STATUS=serving demo"]
        notifier.stopping()
        assert told() == ["STOPPING=1"]
        notifier.alive()
        assert told() == ["WATCHDOG=1"]


def test_a_reload_bears_the_time_of_the_monotonic_clock(address):
    with manager(address) as told:
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        Notifier({"NOTIFY_SOCKET": address}).reloading()
        word, at = told()
        assert word == "RELOADING=1"
        microseconds = int(at.removeprefix("MONOTONIC_USEC="))
        assert before <= microseconds <= before + 5_000_000


def test_without_a_manager_nobody_is_told_and_nothing_is_logged(log):
    Notifier({}).ready("serving")
    assert log.of("cannot tell") == []


def test_a_manager_that_is_not_there_is_a_line_in_the_log(tmp_path, log):
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "no")}).ready("serving")
    (line,) = log.of("cannot tell READY=1")
    assert "No such file" in line


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0.0),
    ],
)
def test_signs_of_life_are_wanted_of_this_process_twice_as_often(environ, seconds):
    assert Notifier(environ).interval == seconds


@pytest.mark.parametrize("reactor", ["epoll", "asyncio"])
def test_a_service_tells_of_its_whole_life(tmp_path, address, reactor):
    write(tmp_path, INI)
    env = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}
    options = (f"--reactor={reactor}",)
    with (
        manager(address) as told,
        running(tmp_path, options=options, env=env) as program,
    ):

        def next_word():
            while (word := told()) == ["WATCHDOG=1"]:
                pass
            return word

        assert told() == ["READY=1", "STATUS=serving demo"]
        assert [told() for _ in range(3)] == [["WATCHDOG=1"]] * 3
        write(tmp_path, INI + "nonsense = 1\n")
        program.send(signal.SIGHUP)
        assert re.fullmatch(r"RELOADING=1 MONOTONIC_USEC=\d+", " ".join(next_word()))
        ready, status = next_word()
        assert ready == "READY=1"
        assert status.startswith("STATUS=serving demo; the configuration")
        program.send(signal.SIGTERM)
        assert next_word() == ["STOPPING=1"]
        assert program.wait(5) == 0
