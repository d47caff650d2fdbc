from __future__ import annotations

from dataclasses import replace

import pytest
from twisted.internet.interfaces import IPushProducer
from zope.interface.verify import verifyObject

from tests.hub.doubles import FakeTransport
from tests.hub.queues import Queue
from vdproxy.hub.outbox import Fifo, Outbox
from vdproxy.hub.transport import Departures
from vdproxy.wire.chunk import CutMessage

SMALL = CutMessage(4, b"small")
LARGE = CutMessage(4, bytes(range(256)) * 2000)
WRITE = 128 * 1024


class Sender:
    """An outbox with its queue, its transport and the sizes it has told."""

    def __init__(self, queue=None, **options):
        self.transport = FakeTransport(**options)
        self.sizes = []
        self.queue = Fifo() if queue is None else queue
        self.outbox = Outbox(self.transport, self.queue, Departures(), self._changed)

    def put(self, message):
        self.queue.put(message)
        self.outbox.write()

    def _changed(self):
        self.sizes.append(self.outbox.size)


def wire(*messages):
    return b"".join(b"".join(message) for message in messages)


def test_an_outbox_is_the_producer_of_its_transport():
    sender = Sender()
    assert sender.transport.producer is sender.outbox
    assert verifyObject(IPushProducer, sender.outbox)


def test_a_message_goes_out_at_once_where_there_is_room():
    sender = Sender()
    sender.put(SMALL)
    assert sender.transport.written == wire(SMALL)
    assert sender.sizes == [0]


def test_a_small_message_that_need_not_wait_is_passed_on():
    sender = Sender()
    assert sender.outbox.pass_on(SMALL)
    assert sender.transport.written == wire(SMALL)
    assert sender.outbox.given == SMALL.size
    assert sender.sizes == [], "nothing has changed of what waits"


def test_a_message_of_several_chunks_takes_its_turn():
    sender = Sender()
    assert not sender.outbox.pass_on(LARGE)
    assert sender.transport.written == b""


def test_nothing_is_passed_on_in_the_middle_of_a_message():
    """H3."""
    sender = Sender(room=1)
    sender.put(LARGE)
    begun = bytes(sender.transport.written)
    assert not sender.outbox.pass_on(SMALL)
    assert sender.transport.written == begun
    sender.transport.drain()
    assert sender.outbox.pass_on(SMALL)
    assert sender.transport.written == wire(LARGE, SMALL)


def test_messages_wait_while_the_transport_is_full():
    sender = Sender(full=True)
    sender.put(SMALL)
    sender.put(LARGE)
    assert sender.transport.written == b""
    assert sender.sizes == [SMALL.size, SMALL.size + LARGE.size]


def test_messages_that_waited_go_out_whole_and_in_order():
    sender = Sender(full=True)
    messages = [SMALL, LARGE, CutMessage(7, b""), LARGE, SMALL]
    for message in messages:
        sender.put(message)
    sender.transport.drain()
    assert sender.transport.written == wire(*messages)
    assert sender.outbox.size == 0
    assert sender.sizes[-1] == 0


def test_a_transport_that_fills_up_is_given_no_more_than_one_write_over():
    sender = Sender(room=1)
    sender.put(LARGE)
    written = len(sender.transport.written)
    assert 0 < written <= WRITE + 8 * 64
    assert sender.outbox.size == LARGE.size - written


def test_a_message_that_was_begun_is_ended_before_the_next():
    """H3."""
    sender = Sender(room=1)
    sender.put(LARGE)
    sender.put(SMALL)
    rounds = 0
    while sender.outbox.size:
        sender.transport.drain(room=1)
        rounds += 1
    assert rounds > 3
    assert sender.transport.written == wire(LARGE, SMALL)


def test_the_size_is_what_the_transport_was_not_given_at_every_moment():
    sender = Sender(room=1)
    total = 0
    for message in (LARGE, SMALL, LARGE):
        sender.put(message)
        total += message.size
        assert sender.outbox.size == total - len(sender.transport.written)
    while sender.outbox.size:
        sender.transport.drain(room=WRITE)
        assert sender.outbox.size == total - len(sender.transport.written)


def test_between_two_writes_of_a_message_another_may_pass_whole():
    """H28."""
    queue = Queue()
    sender = Sender(queue, room=1)
    large = queue.add("a", 400_000, bulk=True).message
    sender.outbox.write()
    begun = len(sender.transport.written)
    small = [replace(queue.add("b").message, port=2) for _ in range(2)]
    assert sender.outbox.size == large.size + 200 - begun
    assert sender.outbox.count == 2
    sender.transport.drain(room=150)
    assert sender.transport.written[begun:] == wire(*small)
    assert sender.outbox.size == large.size - begun
    sender.transport.drain()
    whole = wire(large)
    assert sender.transport.written == whole[:begun] + wire(*small) + whole[begun:]
    assert sender.sizes[-1] == 0


def test_a_fifo_knows_the_largest_message_since_all_had_gone_out():
    fifo = Fifo()
    for message in (SMALL, LARGE, SMALL):
        fifo.put(message)
    assert [fifo.pop() for _ in range(3)] == [SMALL, LARGE, SMALL]
    assert (fifo.largest, fifo.size, fifo.count) == (LARGE.size, 0, 0)
    assert fifo.pop() is None
    assert fifo.largest == 0
    fifo.put(SMALL)
    assert fifo.largest == SMALL.size
    assert fifo.pop_between() is None


def test_what_is_cleared_is_never_sent():
    sender = Sender(room=1)
    sender.put(LARGE)
    sender.put(SMALL)
    begun = bytes(sender.transport.written)
    sender.outbox.clear()
    assert sender.outbox.size == 0
    assert sender.sizes[-1] == 0
    sender.transport.drain()
    assert sender.transport.written == begun
    sender.put(SMALL)
    assert sender.transport.written == begun + wire(SMALL)


def test_of_what_waits_the_message_that_was_begun_can_be_kept():
    sender = Sender(room=1)
    for message in (LARGE, SMALL, LARGE):
        sender.put(message)
    sender.outbox.drop_waiting()
    assert sender.outbox.size == LARGE.size - len(sender.transport.written)
    assert sender.sizes[-1] == sender.outbox.size
    sender.transport.drain()
    assert sender.transport.written == wire(LARGE)
    assert sender.outbox.size == 0


def test_a_closed_outbox_lets_go_of_its_transport():
    sender = Sender(full=True)
    sender.put(SMALL)
    sender.outbox.close()
    assert sender.transport.producer is None
    assert sender.outbox.size == 0
    sender.transport.drain()
    assert sender.transport.written == b""


@pytest.mark.parametrize("full", [True, False])
def test_after_the_transport_has_gone_nothing_is_written(full):
    sender = Sender(full=full)
    sender.put(SMALL)
    written = bytes(sender.transport.written)
    sender.outbox.stopProducing()
    assert sender.outbox.size == 0
    sender.put(SMALL)
    assert sender.transport.written == written


def test_a_transport_may_fill_up_and_drain_in_turn():
    sender = Sender()
    for _ in range(3):
        sender.transport.fill()
        sender.put(SMALL)
        assert sender.outbox.size == SMALL.size
        sender.transport.drain()
        assert sender.outbox.size == 0
    assert sender.transport.written == wire(SMALL) * 3


def test_data_that_messages_in_a_row_share_count_once():
    fifo = Fifo()
    data = bytes(100_000)
    one = CutMessage(4, b"", data=data)
    for _ in range(3):
        fifo.put(CutMessage(4, b"", data=data))
    extra = one.size - len(data)
    assert (fifo.size, fifo.largest) == (one.size + 2 * extra, one.size)
    fifo.put(CutMessage(4, b"", data=bytes(100_000)))
    assert fifo.size == 2 * (one.size + extra)
    while fifo.pop() is not None:
        pass
    assert (fifo.size, fifo.largest) == (0, 0)
    fifo.put(CutMessage(4, b"", data=data))
    assert fifo.size == one.size, "nobody else holds them any more"
