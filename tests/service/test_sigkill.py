"""SIGKILL at any time: nothing is left that hinders the next start."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time

from tests.service.guest import PATIENCE, client, port
from tests.service.twistd import running
from tests.support import write
from vdproxy.wire.constants import (
    ClipboardType,
    MessageType,
    ReplyError,
)
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
    FileXferData,
    FileXferStart,
    MonConfig,
    MonitorsConfig,
    Reply,
)

INI = """\
[vm:demo]
guest = unix:g
clients =
    vdi unix:a
    vdi unix:b as ci
filters = policy, audit
[filter:audit]
file = audit.json
"""
TEXT = ClipboardType.VD_AGENT_CLIPBOARD_UTF8_TEXT
CONFIG = MonitorsConfig(0, (MonConfig(800, 600),))
ACCEPTED = Reply(MessageType.VD_AGENT_MONITORS_CONFIG, ReplyError.VD_AGENT_SUCCESS)

KILLS = 20


def load(viewer):
    """Copy, paste and send files until the connection ends."""
    with contextlib.suppress(OSError, AssertionError, TimeoutError):
        for id in range(10_000):
            viewer.send(ClipboardGrab(0, (TEXT,)))
            viewer.send(FileXferStart(id, "a", 1))
            viewer.send(FileXferData(id, b"x"))
            for message in viewer.drain(0.001):
                if isinstance(message, ClipboardRequest):
                    viewer.send(Clipboard(0, TEXT, bytes(300_000)))


def answer(agent):
    """Ask for all that is copied until the connection ends."""
    with contextlib.suppress(OSError, AssertionError):
        while (message := agent.receive(PATIENCE)) is not None:
            if isinstance(message, ClipboardGrab):
                agent.send(ClipboardRequest(0, TEXT))
            if isinstance(message, MonitorsConfig):
                agent.send(ACCEPTED)


def test_twenty_kills_under_load_leave_nothing_that_hinders_the_next_start(tmp_path):
    write(tmp_path, INI)
    chance = random.Random(5)
    with port(tmp_path / "g") as guest:
        for _ in range(KILLS):
            with running(tmp_path) as program, guest.accept() as agent:
                threads = [threading.Thread(target=answer, args=[agent])]
                threads[0].start()
                with client(tmp_path / "a") as viewer, client(tmp_path / "b") as other:
                    other.send(CONFIG)
                    assert other.expect(Reply) == ACCEPTED
                    threads.append(threading.Thread(target=load, args=[viewer]))
                    threads[1].start()
                    time.sleep(chance.uniform(0.02, 0.2))
                    program.kill()
                    for thread in threads:
                        thread.join(PATIENCE)
            assert (tmp_path / "a").is_socket()
        with running(tmp_path) as program, guest.accept() as agent:
            with client(tmp_path / "a") as viewer:
                viewer.send(CONFIG)
                assert agent.expect(MonitorsConfig) == CONFIG
            assert "cannot listen" not in program.log
            assert "Traceback" not in program.log
    lines = (tmp_path / "audit.json").read_text().splitlines()
    assert len(lines) > KILLS
    assert {json.loads(line)["vm"] for line in lines} == {"demo"}
