"""Peers that say too much at once, too little, or hear nothing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

from tests.floods.clients import PATIENCE, Flood, negotiated, spelled
from tests.floods.scene import MAX_STALL, Scene, serving
from tests.lives.ends import CLIPBOARD, TEXT
from tests.peers.model_agent import ModelAgent
from vdproxy.wire.assembly import MESSAGE_HEADER
from vdproxy.wire.chunk import CHUNK_HEADER
from vdproxy.wire.constants import VD_AGENT_MAX_DATA_SIZE, VD_AGENT_PROTOCOL, Port
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    MonConfig,
    MonitorsConfig,
    Reply,
)

_CONFIG = MonitorsConfig(0, (MonConfig(800, 600),))

#: Seconds of a flood: a client that is to be dropped is so before.
_SECONDS = MAX_STALL + 2.0

#: Too large to be kept for the next who asks.
_DATA = bytes(5_000_000)
_COPY = bytes(1000)

_CLIENTS = 16
_LARGE = 100_000_000


def _begun(size: int) -> bytes:
    """Return the first chunk of a CLIPBOARD of so many bytes."""
    head = MESSAGE_HEADER.pack(VD_AGENT_PROTOCOL, Clipboard.number, 0, size)
    return _chunk(head.ljust(VD_AGENT_MAX_DATA_SIZE, b"\0"))


def _chunk(data: bytes) -> bytes:
    return CHUNK_HEADER.pack(Port.VDP_CLIENT_PORT, len(data)) + data


_MORE = _chunk(bytes(VD_AGENT_MAX_DATA_SIZE)) * 32


def _clients_announce_4_gib(scene: Scene) -> None:
    """Announce it, and send as much of it as is taken, again and again."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        client, connection = negotiated(scene.client)
        with client:
            client.send_bytes(_begun(2**32 - 1))
            flood = Flood(connection)
            flood.pour(repeat(_MORE), PATIENCE)
            assert flood.closed
        time.sleep(0.2)


def _guest_announces_4_gib(scene: Scene) -> None:
    with ModelAgent(scene.other.with_suffix(".g"), listen=True) as agent:
        agent.accept(PATIENCE)
        with negotiated(scene.other.with_suffix(".c"))[0] as client:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                agent.send_bytes(_begun(2**32 - 1))
                end = time.monotonic() + _SECONDS
                while time.monotonic() < end:
                    agent.send_bytes(_MORE)
            agent.accept(PATIENCE)
            client.send(_CONFIG)
            client.expect(Reply, PATIENCE)


def _client_trickles(scene: Scene) -> None:
    with negotiated(scene.client)[0] as client:
        question = spelled(client, [_CONFIG])
        for place in range(int(_SECONDS)):
            client.send_bytes(question[place : place + 1])
            time.sleep(1)
        client.send_bytes(question[int(_SECONDS) :])
        client.expect(Reply, PATIENCE)


def _client_reads_nothing(scene: Scene) -> None:
    """Ask for more than there is room for and read none, while grabs go round."""
    with negotiated(scene.client)[0] as deaf, negotiated(scene.client)[0] as other:
        deaf.send(ClipboardRequest(CLIPBOARD, TEXT))
        time.sleep(1)  # So that it is answered before the clipboard is another's.
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            other.send(ClipboardGrab(CLIPBOARD, (TEXT,)))
            other.expect(ClipboardRequest, PATIENCE)
            other.send(Clipboard(CLIPBOARD, TEXT, _COPY))
            other.send(ClipboardRelease(CLIPBOARD))
            other.expect(ClipboardGrab, PATIENCE)
            other.send(ClipboardRequest(CLIPBOARD, TEXT))
            assert other.expect(Clipboard, PATIENCE).data == _DATA
            other.others.clear()
        scene.await_(lambda: "it has read nothing" in scene.vdproxy.log, "word of it")


_AT_ONCE: tuple[Callable[[Scene], None], ...] = (
    _clients_announce_4_gib,
    _guest_announces_4_gib,
    _client_trickles,
    _client_reads_nothing,
)


def test_too_much_too_little_and_nothing_read(tmp_path: Path):
    name = "4 GiB from a client and a guest, a byte a second, nothing read"
    with (
        serving(tmp_path, _DATA) as scene,
        scene.measured(name, {}),
        ThreadPoolExecutor() as threads,
    ):
        for done in [threads.submit(flood, scene) for flood in _AT_ONCE]:
            done.result()


def _begin_clipboard(scene: Scene) -> Flood:
    """Send as much as is taken of a large CLIPBOARD."""
    client, connection = negotiated(scene.client)
    with client:
        flood = Flood(connection)
        client.send_bytes(_begun(_LARGE))
        flood.pour(repeat(_MORE, _LARGE // len(_MORE)), _SECONDS)
    return flood


def test_sixteen_large_clipboards(tmp_path: Path):
    figures: dict[str, Any] = {"clients": _CLIENTS}
    with serving(tmp_path, _DATA) as scene:
        with (
            scene.measured("100 MB CLIPBOARD, max-memory = 64M", figures),
            ThreadPoolExecutor(_CLIENTS) as threads,
        ):
            floods = list(threads.map(_begin_clipboard, [scene] * _CLIENTS))
            figures["MB"] = sum(flood.sent for flood in floods) / 1e6
        assert "see max-memory" in scene.vdproxy.log
