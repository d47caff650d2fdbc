"""Any payload is refused, or read as what can be written again."""

from __future__ import annotations

from hypothesis import strategies as st

from fuzz.wire import check_value
from tests.examples import fuzzed
from tests.wire.decoding import decode_each_way
from tests.wire.strategies import layouts, messages_with_layouts, wild_messages
from vdproxy.errors import LocalProtocolError
from vdproxy.wire.chunk import RawMessage
from vdproxy.wire.codec import Codec


@fuzzed(2500, pair=messages_with_layouts)
def test_what_is_encoded_comes_out_equal_however_it_comes_in(pair):
    value, layout = pair
    payload = Codec().encode(value, layout)
    assert decode_each_way(value.number, payload, layout) == value


@fuzzed(2500, value=wild_messages, layout=layouts)
def test_whatever_can_be_encoded_is_decoded_to_the_same(value, layout):
    try:
        payload = Codec().encode(value, layout)
    except LocalProtocolError:
        return
    assert Codec().decode(RawMessage(1, value.number, payload), layout) == value


def mutated(pair, mutation, at, more):
    value, layout = pair
    payload = Codec().encode(value, layout)
    at %= len(payload) + 1
    if mutation == "cut":
        return value.number, payload[:at]
    if mutation == "extend":
        return value.number, payload + more
    return value.number, payload[:at] + more + payload[at + len(more) :]


damaged_payloads = st.builds(
    mutated,
    messages_with_layouts,
    st.sampled_from(["cut", "extend", "overwrite"]),
    st.integers(0, 1000),
    st.binary(min_size=1, max_size=5),
)
random_payloads = st.tuples(st.integers(1, 18), st.binary(max_size=60))


@fuzzed(5000, payload=damaged_payloads | random_payloads, layout=layouts)
def test_any_payload_is_refused_or_what_it_says_can_be_said_again(payload, layout):
    check_value(Codec(), RawMessage(1, *payload), layout)
