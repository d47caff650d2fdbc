"""Payloads in two parts: so that data are there once, for all their receivers."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.wire.decoding import LAYOUTS, NEITHER, SG, each_layout
from tests.wire.strategies import messages_with_layouts
from vdproxy.errors import LocalProtocolError
from vdproxy.wire.chunk import RawMessage
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import (
    STANDARD,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    MaxClipboard,
    MouseState,
    Reply,
    Unknown,
)

DATA = bytes(range(256)) * 20


@given(pair=messages_with_layouts)
def test_the_parts_of_any_message_are_its_payload(pair):
    value, layout = pair
    payload = value.encode(layout)
    assert b"".join(value.encode_parts(layout)) == payload
    assert b"".join(Codec().encode_parts(value, layout)) == payload
    assert Codec().encode(value, layout) == payload


@pytest.mark.parametrize(
    ("value", "layout", "begins"),
    [
        *[(Clipboard(0, 1, DATA), layout, None) for layout in LAYOUTS],
        (Clipboard(0, 7, DATA), NEITHER, bytes([7, 0, 0, 0])),
        (Clipboard(2, 7, DATA), SG, bytes([2, 0, 0, 0, 7, 0, 0, 0])),
        (FileXferData(9, DATA), SG, bytes([9, 0, 0, 0, 0, 20, *[0] * 6])),
    ],
)
def test_data_are_handed_out_as_they_are(value, layout, begins):
    for head, data in (
        value.encode_parts(layout),
        Codec().encode_parts(value, layout),
    ):
        assert data is DATA
        assert begins is None or head == begins
        assert value.encode(layout) == head + DATA


@pytest.mark.parametrize("value", [Reply(2, 1), Unknown(99, DATA), ClipboardRelease(0)])
@each_layout
def test_a_message_without_data_is_all_beginning(value, layout):
    assert value.encode_parts(layout) == (value.encode(layout), b"")


@pytest.mark.parametrize(
    ("value", "layout"), [(Clipboard(2, 7, DATA), SG), (FileXferData(9, DATA), NEITHER)]
)
def test_data_are_taken_as_they_are(value, layout):
    head, data = value.encode_parts(layout)
    taken = type(value).decode_parts(head, data, layout)
    assert taken == value
    assert taken.data is DATA
    raw = RawMessage(1, value.number, head, data)
    assert Codec().decode(raw, layout).data is DATA
    assert type(value).decode(head + data, layout) == value


@each_layout
def test_a_payload_may_be_in_two_parts_wherever_data_may_begin(layout):
    """Without a selection data begin before ``data_offset``."""
    for value in (Clipboard(0, 7, DATA), FileXferData(9, DATA), Unknown(99, DATA)):
        payload = value.encode(layout)
        for split in range(12, 20):
            raw = RawMessage(1, value.number, payload[:split], payload[split:])
            assert Codec().decode(raw, layout) == value
            assert raw.payload_size == len(payload)


def test_a_class_that_reads_payloads_whole_is_given_them_whole():
    raw = RawMessage(1, Reply.number, Reply(2, 1).encode(SG)[:5], b"\x00\x00\x00")
    assert Codec().decode(raw, SG) == Reply(2, 1)


def test_the_limit_is_that_of_both_parts():
    value = FileXferData(1, DATA)
    assert Codec(max_message=len(DATA)).encode_parts(value, NEITHER)[1] is DATA
    with pytest.raises(LocalProtocolError, match="FileXferData of 5132 bytes"):
        Codec(max_message=len(DATA) - 1).encode_parts(value, NEITHER)


def test_what_cannot_be_encoded_cannot_be_in_parts():
    for value in (Clipboard(9, 1, b""), Clipboard(0, -1, b""), FileXferData(-1, b"")):
        with pytest.raises(LocalProtocolError):
            Codec().encode_parts(value, SG)


def test_messages_about_one_selection_have_one_subject():
    for selection in range(3):
        subjects = {
            Clipboard(selection, 1, b"").subject,
            ClipboardGrab(selection, (1,)).subject,
            ClipboardRequest(selection, 1).subject,
            ClipboardRelease(selection).subject,
        }
        assert len(subjects) == 1
        assert ClipboardRelease((selection + 1) % 3).subject not in subjects


def test_messages_about_one_file_transfer_have_one_subject():
    for transfer in (0, 1, 2**32 - 1):
        subjects = {
            FileXferStart(transfer, "name", 1).subject,
            FileXferStatus(transfer, 0).subject,
            FileXferData(transfer, b"").subject,
        }
        assert len(subjects) == 1
        assert FileXferData(transfer ^ 1, b"").subject not in subjects
        assert ClipboardRelease(transfer).subject not in subjects


def test_other_messages_are_about_nothing():
    for value in (
        Reply(2, 1),
        MaxClipboard(1),
        MouseState(1, 2, 0, 0),
        Unknown(99, b""),
    ):
        assert value.subject is None


def test_bulk_types_are_those_with_data():
    bulk = [message for message in STANDARD if message.data_offset is not None]
    assert bulk == [Clipboard, FileXferData]
