from __future__ import annotations

import pytest

from tests.wire.decoding import (
    check_vector,
    decode_each_way,
    each_layout,
    refuse_decoding,
    refuse_encoding,
    refuse_payload_each_way,
    refuse_size_each_way,
)
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.messages import AnnounceCapabilities, ClientDisconnected, Reply

REPLY, ANNOUNCE, DISCONNECTED = 3, 6, 13


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("01000000 e78d0300", AnnounceCapabilities(1, (0x00038DE7,))),
        ("00000000", AnnounceCapabilities(0, ())),
        ("00000000 00000000", AnnounceCapabilities(0, (0,))),
        ("ffffffff 60000000 01000000", AnnounceCapabilities(2**32 - 1, (0x60, 1))),
        ("01000000" + "ffffffff" * 8, AnnounceCapabilities(1, (2**32 - 1,) * 8)),
    ],
)
@each_layout
def test_announce_capabilities(layout, spelling, value):
    check_vector(ANNOUNCE, spelling, layout, value)


def test_the_words_of_an_announcement_are_a_set():
    payload = bytes.fromhex("01000000 60000000 00000080 02000000")
    announcement = decode_each_way(ANNOUNCE, payload)
    assert announcement.capabilities == Capabilities.of(5, 6, 63, 65)
    assert AnnounceCapabilities(1, ()).capabilities == Capabilities()


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("02000000 01000000", Reply(2, 1)),
        ("05000000 02000000", Reply(5, 2)),
        ("ffffffff 00000000", Reply(2**32 - 1, 0)),
    ],
)
@each_layout
def test_reply(layout, spelling, value):
    check_vector(REPLY, spelling, layout, value)


@each_layout
def test_client_disconnected_is_empty(layout):
    check_vector(DISCONNECTED, "", layout, ClientDisconnected())


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 6, 7, 9, 35])
def test_an_announcement_in_part_of_a_word_is_refused(size):
    said = refuse_payload_each_way(ANNOUNCE, bytes(size))
    assert f"{size} bytes, which is not whole words" in said


@pytest.mark.parametrize("size", [37, 40, 2048])
def test_an_announcement_of_more_than_eight_words_is_over_the_limit(size):
    refuse_size_each_way(ANNOUNCE, bytes(size))


def test_a_reply_of_any_other_size_is_refused():
    for size in range(8):
        refuse_payload_each_way(REPLY, bytes(size))
    refuse_size_each_way(REPLY, bytes(9))
    refuse_decoding(REPLY, bytes(9))


def test_a_client_disconnected_with_a_payload_is_refused():
    refuse_size_each_way(DISCONNECTED, b"\0")
    refuse_decoding(DISCONNECTED, b"\0")


@pytest.mark.parametrize("wrong", [-1, 2**32])
def test_fields_that_are_no_32_bit_numbers_are_not_sent(wrong):
    refuse_encoding(AnnounceCapabilities(wrong, (1,)))
    refuse_encoding(AnnounceCapabilities(1, (1, wrong)))
    refuse_encoding(Reply(wrong, 1))
    refuse_encoding(Reply(2, wrong))


def test_an_announcement_of_nine_words_is_not_sent():
    assert "more than 36" in refuse_encoding(AnnounceCapabilities(0, (1,) * 9))
