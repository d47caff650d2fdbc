from __future__ import annotations

import pytest
from twisted.internet.interfaces import IPushProducer
from zope.interface.verify import verifyObject

from tests.hub.doubles import FakeTransport
from vdproxy.hub.outbox import Outbox
from vdproxy.wire.chunk import CutMessage

SMALL = CutMessage(4, b"small")
LARGE = CutMessage(4, bytes(range(256)) * 2000)
WRITE = 64 * 1024


class Queue:
    """An outbox with its transport and the sizes it has told."""

    def __init__(self, **options):
        self.transport = FakeTransport(**options)
        self.sizes = []
        self.outbox = Outbox(self.transport, self._changed)

    def _changed(self):
        self.sizes.append(self.outbox.size)


def wire(*messages):
    return b"".join(b"".join(message) for message in messages)


def test_an_outbox_is_the_producer_of_its_transport():
    queue = Queue()
    assert queue.transport.producer is queue.outbox
    assert verifyObject(IPushProducer, queue.outbox)


def test_a_message_goes_out_at_once_where_there_is_room():
    queue = Queue()
    queue.outbox.put(SMALL)
    assert queue.transport.written == wire(SMALL)
    assert queue.sizes == [0]


def test_messages_wait_while_the_transport_is_full():
    queue = Queue(full=True)
    queue.outbox.put(SMALL)
    queue.outbox.put(LARGE)
    assert queue.transport.written == b""
    assert queue.sizes == [SMALL.size, SMALL.size + LARGE.size]


def test_messages_that_waited_go_out_whole_and_in_order():
    queue = Queue(full=True)
    messages = [SMALL, LARGE, CutMessage(7, b""), LARGE, SMALL]
    for message in messages:
        queue.outbox.put(message)
    queue.transport.drain()
    assert queue.transport.written == wire(*messages)
    assert queue.outbox.size == 0
    assert queue.sizes[-1] == 0


def test_a_transport_that_fills_up_is_given_no_more_than_one_write_over():
    queue = Queue(room=1)
    queue.outbox.put(LARGE)
    written = len(queue.transport.written)
    assert 0 < written <= WRITE + 8 * 32
    assert queue.outbox.size == LARGE.size - written


def test_a_message_that_was_begun_is_ended_before_the_next():
    queue = Queue(room=1)
    queue.outbox.put(LARGE)
    queue.outbox.put(SMALL)
    rounds = 0
    while queue.outbox.size:
        queue.transport.drain(room=1)
        rounds += 1
    assert rounds > 5
    assert queue.transport.written == wire(LARGE, SMALL)


def test_the_size_is_what_the_transport_was_not_given_at_every_moment():
    queue = Queue(room=1)
    total = 0
    for message in (LARGE, SMALL, LARGE):
        queue.outbox.put(message)
        total += message.size
        assert queue.outbox.size == total - len(queue.transport.written)
    while queue.outbox.size:
        queue.transport.drain(room=WRITE)
        assert queue.outbox.size == total - len(queue.transport.written)


def test_what_is_cleared_is_never_sent():
    queue = Queue(room=1)
    queue.outbox.put(LARGE)
    queue.outbox.put(SMALL)
    begun = bytes(queue.transport.written)
    queue.outbox.clear()
    assert queue.outbox.size == 0
    assert queue.sizes[-1] == 0
    queue.transport.drain()
    assert queue.transport.written == begun
    queue.outbox.put(SMALL)
    assert queue.transport.written == begun + wire(SMALL)


def test_of_what_waits_the_message_that_was_begun_can_be_kept():
    queue = Queue(room=1)
    for message in (LARGE, SMALL, LARGE):
        queue.outbox.put(message)
    queue.outbox.drop_waiting()
    assert queue.outbox.size == LARGE.size - len(queue.transport.written)
    assert queue.sizes[-1] == queue.outbox.size
    queue.transport.drain()
    assert queue.transport.written == wire(LARGE)
    assert queue.outbox.size == 0


def test_a_closed_outbox_lets_go_of_its_transport():
    queue = Queue(full=True)
    queue.outbox.put(SMALL)
    queue.outbox.close()
    assert queue.transport.producer is None
    assert queue.outbox.size == 0
    queue.transport.drain()
    assert queue.transport.written == b""


@pytest.mark.parametrize("full", [True, False])
def test_after_the_transport_has_gone_nothing_is_written(full):
    queue = Queue(full=full)
    queue.outbox.put(SMALL)
    written = bytes(queue.transport.written)
    queue.outbox.stopProducing()
    assert queue.outbox.size == 0
    queue.outbox.put(SMALL)
    assert queue.transport.written == written


def test_a_transport_may_fill_up_and_drain_in_turn():
    queue = Queue()
    for _ in range(3):
        queue.transport.fill()
        queue.outbox.put(SMALL)
        assert queue.outbox.size == SMALL.size
        queue.transport.drain()
        assert queue.outbox.size == 0
    assert queue.transport.written == wire(SMALL) * 3
