"""Any stream reads the same however it comes in."""

from __future__ import annotations

from hypothesis import strategies as st

from fuzz import wire
from tests.examples import fuzzed
from tests.fuzz.inputs import inputs
from tests.wire.decoding import chunk, message
from tests.wire.reading import in_pieces, read
from tests.wire.strategies import broken_streams
from vdproxy.wire.chunk import CLIENT_FRAMING, GUEST_FRAMING, RawMessage


@fuzzed(5000, choices=st.binary(min_size=4, max_size=4), stream=broken_streams)
def test_a_broken_stream_reads_the_same_however_it_is_cut(choices, stream):
    wire.check(choices + stream)


@fuzzed(4000, data=inputs("wire"))
def test_any_bytes_read_the_same_however_they_are_cut(data):
    wire.check(data)


@fuzzed(
    1500,
    messages=st.lists(
        st.tuples(
            st.sampled_from([1, 2]), st.integers(17, 2**32 - 1), st.binary(max_size=99)
        ),
        max_size=6,
    ),
    order=st.randoms(use_true_random=False),
    per_chunk=st.integers(1, 60),
)
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
