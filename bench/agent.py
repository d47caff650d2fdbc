"""The guest's real agent: what a relay adds to the time that spice-vdagent takes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from statistics import median

from bench import relays
from bench.bulk import BLOCK, FILE, MIB, pusher
from bench.guests import listening, meet
from bench.race import Figures, Goal, Race
from bench.relays import CLIENTS, GUEST, HANDLERS, Starter
from bench.speech import (
    PATIENCE,
    REQUEST,
    by_guest,
    by_host,
    connect,
    read_all,
)
from bench.stand import Round, directory, race
from tests.peers.programs import wait_for
from tests.peers.rawclient import RawClient
from tests.peers.vdagentd import RealAgent
from vdproxy.wire.constants import ClipboardType, Selection
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
)

#: Blocks of a file: 64 MiB of them.
_BLOCKS = 1024

#: Pastes of a round.
_PASTES = 20

_TEXT = ClipboardType.VD_AGENT_CLIPBOARD_UTF8_TEXT
_TARGET = "UTF8_STRING"
_SELECTION = Selection.VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD

_RELEASE = by_host(ClipboardRelease(_SELECTION))

#: Without the bounds on GRABs: there is one before each paste.
_INI = f"""
[vm:bench]
guest-listen = unix:{GUEST}
clients = vdi unix:{CLIENTS}
{HANDLERS}
"""

#: The contestant that the others are compared to.
_ALONE = "agent"


@dataclass(frozen=True)
class Host:
    """
    A host that an agent has shaken hands with.

    ``client`` understands what comes on ``connection``, and ``cuts`` tells whether it
    comes in chunks as for clients.
    """

    agent: RealAgent
    connection: socket.socket
    client: RawClient
    cuts: bool


#: Starts an agent and what it is to be reached through.
Opener = Callable[[], AbstractContextManager[Host]]


@contextmanager
def behind(starter: Starter) -> Iterator[Host]:
    """Have an agent connect to a relay, and the relay connect to the host."""
    with (
        directory() as folder,
        listening(folder / GUEST) as listener,
        starter(folder) as relay,
        RealAgent(folder, relay.clients) as agent,
        listener.accept()[0] as connection,
    ):
        client = meet(connection)
        connection.settimeout(PATIENCE)
        yield Host(agent, connection, client, cuts=False)


@contextmanager
def vdproxy() -> Iterator[Host]:
    """Have an agent connect to vdproxy, and be a client of that."""
    with directory() as folder:
        (folder / "vm.ini").write_text(_INI)
        with (
            relays.listening(relays.daemon(), folder, GUEST),
            RealAgent(folder, folder / GUEST) as agent,
        ):
            connection, client = connect(folder / CLIENTS)
            with connection:
                yield Host(agent, connection, client, cuts=True)


CONTESTANTS: Mapping[str, Opener] = {
    _ALONE: partial(behind, relays.direct),
    "socat": partial(behind, relays.socat),
    "bare": partial(behind, relays.twisted()),
    "vdproxy": vdproxy,
}


@contextmanager
def pushing(opener: Opener) -> Iterator[Round]:
    """Push a file into the guest, in messages of 64 KiB."""
    with opener() as host:
        push = pusher(host.connection, host.client, _BLOCKS, at_once=16)

        def push_anew() -> Figures:
            began = time.perf_counter()
            push()
            took = time.perf_counter() - began
            (host.agent.files / FILE).unlink()
            return {"MB/s": _BLOCKS * BLOCK / 1e6 / took}

        yield push_anew


@contextmanager
def pasting(opener: Opener, size: int) -> Iterator[Round]:
    """Copy text in the guest and paste it as a client, from the REQUEST on."""
    texts = _texts(size)
    with opener() as host:
        spell = by_host if host.cuts else by_guest

        def paste() -> float:
            text = next(texts)
            answer = spell(Clipboard(_SELECTION, _TEXT, text))
            came = bytearray(len(answer))
            host.agent.copy(text, target=_TARGET)
            host.client.expect(ClipboardGrab, PATIENCE)
            began = time.perf_counter()
            host.connection.sendall(REQUEST)
            read_all(host.connection, came)
            took = time.perf_counter() - began
            assert came == answer, "it is not what was copied"
            return took

        yield partial(_several, paste)


@contextmanager
def offering(opener: Opener, size: int) -> Iterator[Round]:
    """Copy text as a client and paste it in the guest, from the start of xclip on."""
    texts = _texts(size)
    grabs = (by_host(ClipboardGrab(_SELECTION, (_TEXT,), serial)) for serial in count())
    with opener() as host, ThreadPoolExecutor() as pool:

        def paste() -> float:
            text = next(texts)
            answer = by_host(Clipboard(_SELECTION, _TEXT, text))
            host.connection.sendall(next(grabs))
            wait_for(host.agent.targets, PATIENCE, "owner of the guest's clipboard")
            began = time.perf_counter()
            pasted = pool.submit(host.agent.paste_as, _TARGET)
            host.client.expect(ClipboardRequest, PATIENCE)
            host.connection.sendall(answer)
            came = pasted.result()
            took = time.perf_counter() - began
            assert came == text, "it is not what was copied"
            # The next owner could not be told from this one.
            host.connection.sendall(_RELEASE)
            wait_for(lambda: not host.agent.targets(), PATIENCE, "free clipboard")
            return took

        yield partial(_several, paste)


def _texts(size: int) -> Iterator[bytes]:
    """Yield texts of so many bytes, no two alike: an old answer is to be noticed."""
    return ((b"%07d\n" % number) * (size // 8) for number in count())


def _several(paste: Callable[[], float]) -> Figures:
    return {"p50 ms": median(paste() for _ in range(_PASTES)) * 1000}


def _compare(results: dict[str, list[Figures]]) -> None:
    """Give each round what it took more than the same of the agent alone."""
    for name in results.keys() - {_ALONE}:
        results[name] = [
            {**figures, "ms more": figures["p50 ms"] - alone["p50 ms"]}
            for figures, alone in zip(results[name], results[_ALONE], strict=True)
        ]


def run(rounds: int) -> Iterator[Race]:
    """Measure a file push, and pastes of a word and of 1 MiB in both directions."""
    pushed = Goal("MB/s", "vdproxy", of=_ALONE, at_least=0.9)
    yield race(
        "real agent, file push",
        pushing,
        rounds,
        CONTESTANTS,
        against=[_ALONE],
        goals=[pushed],
    )
    soon = Goal("ms more", "vdproxy", at_most=5)
    for name, size in (("64 bytes", 64), ("1 MiB", MIB)):
        for way, opened in (("from", pasting), ("into", offering)):
            work = f"real agent, paste of {name} {way} the guest"
            paste = partial(opened, size=size)
            outcome = race(
                work, paste, rounds, CONTESTANTS, against=[_ALONE], goals=[soon]
            )
            _compare(outcome.results)
            yield outcome
