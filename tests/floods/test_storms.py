"""Clients that say all they can, all the time."""

from __future__ import annotations

import os
import resource
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from tests.floods.clients import PATIENCE, Flood, negotiated, spelled
from tests.floods.scene import Scene, serving
from tests.lives.ends import CANCELLED, CLIPBOARD, TEXT
from vdproxy.wire.constants import ClipboardType, Selection
from vdproxy.wire.messages import (
    ClipboardGrab,
    ClipboardRequest,
    FileXferStart,
    FileXferStatus,
    Message,
    MonConfig,
    MonitorsConfig,
)

_PNG = ClipboardType.VD_AGENT_CLIPBOARD_IMAGE_PNG
_PRIMARY = Selection.VD_AGENT_CLIPBOARD_SELECTION_PRIMARY

_CLIENTS = 4
_SECONDS = 5.0

#: With VDPROXY_FLOODS=full all is as large as it is claimed to be, else some of it
#: smaller, for the time that it takes: some 25,000 STARTs are answered a second.
_FULL = os.environ.get("VDPROXY_FLOODS") == "full"
_STARTS = 1_000_000 if _FULL else 200_000
_STATUSES = 1_000_000
_CONNECT_SECONDS = 10.0 if _FULL else 5.0

#: The bytes of the STATUS or REPLY that answers a message.
_ANSWER = 36

_CONNECTS_A_SECOND = 2000
_BATCH = 1000

#: How many files vdproxy may have open, and for how long that is too few, seconds.
_DESCRIPTORS = 64
_SHORT_SECONDS = 2.0


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with serving(tmp_path, bytes(1000)) as scene:
        yield scene


def _storm(scene: Scene, name: str, messages: list[Message]) -> None:
    figures: dict[str, Any] = {"clients": _CLIENTS}
    with scene.measured(name, figures), ExitStack() as stack:
        clients = [negotiated(scene.client) for _ in range(_CLIENTS)]
        for client, _ in clients:
            stack.enter_context(client)
        batch = spelled(clients[0][0], messages)
        floods = [Flood(connection) for _, connection in clients]
        threads = stack.enter_context(ThreadPoolExecutor())
        for done in [
            threads.submit(flood.pour, repeat(batch), _SECONDS) for flood in floods
        ]:
            done.result()
        assert not any(flood.closed for flood in floods), scene.vdproxy.log
        sent = sum(flood.sent for flood in floods)
        figures["messages"] = sent * len(messages) // len(batch)


def test_grabs(scene: Scene):
    types = [(TEXT,), (TEXT, _PNG)]
    _storm(scene, "GRAB", [ClipboardGrab(CLIPBOARD, types[n % 2]) for n in range(500)])


def test_requests(scene: Scene):
    wanted = [(CLIPBOARD, TEXT), (CLIPBOARD, _PNG), (_PRIMARY, TEXT)]
    _storm(scene, "REQUEST", [ClipboardRequest(*wanted[n % 3]) for n in range(500)])


def _start(number: int) -> Message:
    return FileXferStart(number, "f", 10)


def _status(number: int) -> Message:
    return FileXferStatus(number, CANCELLED)


@pytest.mark.parametrize(
    ("name", "say", "ids", "answered"),
    [("START", _start, _STARTS, _STARTS), ("STATUS", _status, _STATUSES, 0)],
)
def test_ids(
    scene: Scene, name: str, say: Callable[[int], Message], ids: int, answered: int
):
    with scene.measured(f"{name} ids", {"messages": ids}):
        client, connection = negotiated(scene.client)
        with client:
            batches = (
                spelled(client, map(say, range(first, first + _BATCH)))
                for first in range(1, ids, _BATCH)
            )
            last = spelled(client, [MonitorsConfig(0, (MonConfig(800, 600),))])
            answers = _ANSWER * (answered + 1)
            flood = Flood(connection)
            flood.pour(chain(batches, [last]), 2 * PATIENCE, answers)
            assert flood.answered == answers, scene.vdproxy.log


def test_connections(scene: Scene):
    figures: dict[str, Any] = {}
    crowd: deque[socket.socket] = deque()
    begin = time.monotonic()
    made = full = 0
    with scene.measured("connections", figures):
        while (now := time.monotonic() - begin) < _CONNECT_SECONDS:
            while made + full < now * _CONNECTS_A_SECOND:
                client = socket.socket(socket.AF_UNIX)
                client.setblocking(False)
                crowd.append(client)
                if client.connect_ex(str(scene.client)):
                    full += 1
                else:
                    made += 1
                if len(crowd) > 200:
                    crowd.popleft().close()
            time.sleep(0.002)
        for client in crowd:
            client.close()
        figures |= {"connections": made, "not_accepted": full}
    assert made > full


def test_more_clients_than_descriptors(scene: Scene):
    figures = {"clients": 200}
    _, most = resource.prlimit(scene.vdproxy.pid, resource.RLIMIT_NOFILE)
    with scene.measured(f"clients under RLIMIT_NOFILE={_DESCRIPTORS}", figures):
        limits = (_DESCRIPTORS, most)
        resource.prlimit(scene.vdproxy.pid, resource.RLIMIT_NOFILE, limits)
        with ExitStack() as stack:
            for _ in range(figures["clients"]):
                client = stack.enter_context(socket.socket(socket.AF_UNIX))
                client.setblocking(False)
                client.connect_ex(str(scene.client))
            scene.await_(lambda: "run short" in scene.vdproxy.log, "word of it")
            time.sleep(_SHORT_SECONDS)
