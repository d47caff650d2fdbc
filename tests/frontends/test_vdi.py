"""Real clients on real sockets: many at once, each on its own."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, asynccontextmanager

import pytest
from twisted.internet.threads import deferToThread

from tests.peers.model_agent import ModelAgent
from tests.peers.rawclient import RawClient
from tests.support import served, until, within, write
from vdproxy.wire.constants import MessageType, ReplyError
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    MonConfig,
    MonitorsConfig,
    Reply,
)

#: MONITORS_CONFIG, REPLY, CLIPBOARD_BY_DEMAND and CLIPBOARD_SELECTION.
CAPS = (0x66,)
CONFIG = MonitorsConfig(0, (MonConfig(1024, 768),))
ACCEPTED = Reply(MessageType.VD_AGENT_MONITORS_CONFIG, ReplyError.VD_AGENT_SUCCESS)


@pytest.fixture
def serving(tmp_path, monkeypatch, reactor):
    """Serve [vm:demo] with these lines; the sockets are a and b."""
    monkeypatch.chdir(tmp_path)

    @asynccontextmanager
    async def serving(*lines, guest="simulated:"):
        clients = ["clients =", "  vdi unix:a", "  vdi unix:b as ci"]
        text = "\n".join(["[vm:demo]", f"guest = {guest}", *clients, *lines])
        async with served(reactor, write(tmp_path, text + "\n")) as (vm,):
            if guest == "simulated:":
                await until(reactor, lambda: vm.hub.guest.up)
            yield vm.hub

    return serving


def shake_hands(client):
    """Do as a client does first; return what it is offered."""
    offer = client.expect(AnnounceCapabilities)
    client.announce(0, CAPS)
    return offer


def set_monitors(client):
    """Ask for a monitor layout and return the reply."""
    client.send(CONFIG)
    return client.expect(Reply)


@within(15)
async def test_three_clients_are_served_at_once(serving, tmp_path, reactor):
    def three():
        with ExitStack() as stack:
            clients = [
                stack.enter_context(RawClient.connect(tmp_path / name))
                for name in ("a", "a", "b")
            ]
            offers = [shake_hands(client) for client in clients]
            assert [offer.request for offer in offers] == [1, 1, 1]
            assert len({offer.caps for offer in offers}) == 1
            for client in clients:
                client.send(CONFIG)
            assert [client.expect(Reply) for client in clients] == [ACCEPTED] * 3

    async with serving() as hub:
        await deferToThread(three)
        await until(reactor, lambda: not hub.clients)


@within(15)
async def test_a_client_has_a_number_a_name_and_a_user(serving, tmp_path, reactor, log):
    async with serving() as hub:
        with await deferToThread(RawClient.connect, tmp_path / "a"):
            await until(reactor, lambda: len(hub.clients) == 1)
            with await deferToThread(RawClient.connect, tmp_path / "b"):
                await until(reactor, lambda: len(hub.clients) == 2)
                told = [(c.label, c.name, c.frontend, c.uid) for c in hub.clients]
        assert told == [
            ("vdi#1", "", "vdi", os.getuid()),
            ("ci#2", "ci", "vdi", os.getuid()),
        ]
        await until(reactor, lambda: len(log.of("left")) == 2)
    assert log.of("connected, uid") == [
        f"demo: client vdi#1 connected, uid {os.getuid()}",
        f"demo: client ci#2 connected, uid {os.getuid()}",
    ]


@within(15)
async def test_tcp_carries_the_same_stream(tmp_path, reactor):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    text = (
        "[vm:demo]\nguest = simulated:\n"
        f"clients = vdi tcp:{address[1]}:interface=127.0.0.1\n"
    )

    def session():
        with RawClient(socket.create_connection(address, 5)) as client:
            shake_hands(client)
            return set_monitors(client)

    async with served(reactor, write(tmp_path, text)) as (vm,):
        await until(reactor, lambda: vm.hub.guest.up)
        assert await deferToThread(session) == ACCEPTED
        await until(reactor, lambda: not vm.hub.clients)


@within(15)
async def test_a_client_too_many_is_refused_and_another_time_let_in(
    serving, tmp_path, reactor, log
):
    async with serving("max-clients = 2") as hub:
        first = await deferToThread(RawClient.connect, tmp_path / "a")
        second = await deferToThread(RawClient.connect, tmp_path / "b")
        try:
            await until(reactor, lambda: len(hub.clients) == 2)
            with await deferToThread(RawClient.connect, tmp_path / "a") as third:
                assert await deferToThread(third.closed)
                assert third.others == []
            assert log.of("refused") == [
                "demo: client of vdi refused: 2 clients are connected, see max-clients"
            ]
            assert len(hub.clients) == 2
            first.close()
            await until(reactor, lambda: len(hub.clients) == 1)
            with await deferToThread(RawClient.connect, tmp_path / "a") as fourth:
                await deferToThread(shake_hands, fourth)
        finally:
            first.close()
            second.close()
        await until(reactor, lambda: not hub.clients)


def chunk(body, port=1, size=None):
    length = len(body) if size is None else size
    return port.to_bytes(4, "little") + length.to_bytes(4, "little") + body


def message(number, size, protocol=1):
    words = (protocol, number, 0, 0, size)
    return b"".join(word.to_bytes(4, "little") for word in words)


HOSTILE = {
    "a port that is none": chunk(b"", port=3),
    "port 0": chunk(b"x", port=0),
    "an empty chunk": chunk(b""),
    "a chunk too large": chunk(b"", size=2049),
    "another protocol": chunk(message(2, 0, protocol=2)),
    "type 0": chunk(message(0, 0)),
    "a size over its limit": chunk(message(2, 2**31)),
    "more clipboard than max-message": chunk(message(4, 2**20)),
    "data past the end": chunk(message(3, 8) + bytes(9)),
    "noise": bytes(range(255, 127, -1)),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@within(15)
async def test_bad_framing_costs_the_client_that_sent_it_its_connection(
    serving, tmp_path, reactor, log, hostile
):
    def sessions():
        with RawClient.connect(tmp_path / "a") as good:
            shake_hands(good)
            with RawClient.connect(tmp_path / "b") as bad:
                shake_hands(bad)
                bad.send_bytes(hostile)
                assert bad.closed()
            return set_monitors(good)

    async with serving("max-message = 64K") as hub:
        assert await deferToThread(sessions) == ACCEPTED
        assert hub.guest.up
        await until(reactor, lambda: not hub.clients)
        (line,) = log.of("disconnected")
        assert line.startswith("demo: client ci#2 disconnected: ")
        assert "at byte " in line


@within(15)
async def test_bad_payloads_are_forgiven_four_times_in_a_row(
    serving, tmp_path, reactor, log
):
    bad = chunk(message(2, 1) + b"x")

    def session():
        with RawClient.connect(tmp_path / "a") as client:
            shake_hands(client)
            for _ in range(4):
                client.send_bytes(bad)
                assert client.expect(Reply).error == ReplyError.VD_AGENT_ERROR
            assert set_monitors(client) == ACCEPTED
            for _ in range(5):
                client.send_bytes(bad)
            assert client.closed()

    async with serving() as hub:
        await deferToThread(session)
        await until(reactor, lambda: not hub.clients)
    assert log.of("disconnected") == [
        "demo: client vdi#1 disconnected: 5 bad messages in a row"
    ]


@within(15)
async def test_nothing_is_said_while_the_guest_is_down(serving, tmp_path, reactor):
    def before():
        client.announce(1, CAPS)
        return client.drain(0.2)

    def after():
        question, answer = (client.expect(AnnounceCapabilities) for _ in range(2))
        return question.request, answer.request, set_monitors(client)

    async with serving(guest="unix:g") as hub:
        client = await deferToThread(RawClient.connect, tmp_path / "a")
        agent = None
        try:
            assert await deferToThread(before) == []
            agent = ModelAgent(tmp_path / "g", listen=True)
            await deferToThread(agent.accept)
            assert await deferToThread(after) == (1, 0, ACCEPTED)
            await deferToThread(agent.expect, MonitorsConfig)
        finally:
            client.close()
            if agent is not None:
                await deferToThread(agent.close)
        await until(reactor, lambda: not hub.clients)


@within(15)
async def test_a_client_may_leave_in_the_middle_of_a_message(
    serving, tmp_path, reactor, log
):
    """H4."""

    def session():
        with RawClient.connect(tmp_path / "a") as client:
            shake_hands(client)
            client.send_bytes(chunk(message(2, 28) + b"x" * 9))

    async with serving() as hub:
        await deferToThread(session)
        await until(reactor, lambda: log.of("client vdi#1 left"))
        assert hub.clients == []
        assert hub.guest.up


@within(15)
async def test_a_question_and_its_end_of_connection_may_come_together(
    serving, tmp_path, reactor, log
):
    def session():
        for _ in range(3):
            with RawClient.connect(tmp_path / "a") as client:
                client.announce(1, CAPS)

    async with serving() as hub:
        await deferToThread(session)
        await until(reactor, lambda: len(log.of("left")) == 3)
        assert hub.clients == []


@within(15)
async def test_a_client_that_leaves_while_it_is_paused_is_let_go_of(
    serving, tmp_path, reactor
):
    async with serving() as hub:
        with await deferToThread(RawClient.connect, tmp_path / "a") as client:
            await until(reactor, lambda: hub.clients)
            hub.clients[0].pause()
            client.send_bytes(bytes(100))
        await until(reactor, lambda: not hub.clients)
