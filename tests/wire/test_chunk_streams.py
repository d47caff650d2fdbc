from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.decoding import (
    chunk,
    chunk_reader,
    message,
)
from tests.wire.feeding import (
    byte_by_byte,
    feed,
)
from tests.wire.reading import (
    in_pieces,
    read,
)
from tests.wire.strategies import broken_streams, framings
from vdproxy.wire.chunk import (
    CLIENT_FRAMING,
    GUEST_FRAMING,
    RawMessage,
)
from vdproxy.wire.codec import Codec


@given(framing=framings, stream=broken_streams, data=st.data())
@settings(deadline=None, max_examples=400)
def test_where_reads_are_cut_makes_no_difference(framing, stream, data):
    codec = Codec(max_message=30)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    whole = feed(chunk_reader(framing, codec), [stream])
    assert feed(chunk_reader(framing, codec), pieces) == whole
    assert feed(chunk_reader(framing, codec), byte_by_byte(stream)) == whole


@given(framing=framings, stream=broken_streams)
@settings(deadline=None, max_examples=400)
def test_a_reader_takes_no_byte_that_has_not_come(framing, stream):
    reader = chunk_reader(framing, Codec(max_message=30))
    outcome = feed(reader, [stream])
    assert reader.offset <= len(stream)
    taken = sum(
        28 + len(event.payload) for event in outcome.events if type(event) is RawMessage
    )
    assert taken <= reader.offset
    if outcome.error is None:
        assert len(stream) - reader.offset < 8
        come = reader.assembling
        assert come is None or 0 <= come.received < come.size


@given(
    messages=st.lists(
        st.tuples(
            st.sampled_from([1, 2]), st.integers(17, 2**32 - 1), st.binary(max_size=99)
        ),
        max_size=6,
    ),
    order=st.randoms(use_true_random=False),
    per_chunk=st.integers(1, 60),
)
@settings(deadline=None, max_examples=200)
def test_messages_of_both_ports_in_any_order_of_chunks(messages, order, per_chunk):
    waiting = {1: [], 2: []}
    for port, number, payload in messages:
        pieces = in_pieces(message(number, payload), per_chunk)
        waiting[port] += [chunk(piece, port) for piece in pieces]
    stream = b""
    while any(waiting.values()):
        port = order.choice([port for port in waiting if waiting[port]])
        stream += waiting[port].pop(0)
    for framing in (CLIENT_FRAMING, GUEST_FRAMING):
        events = read(stream, framing)
        for port in (1, 2):
            came = [event for event in events if event.port == port]
            assert came == [RawMessage(*m) for m in messages if m[0] == port]
