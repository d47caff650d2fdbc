from __future__ import annotations

import pytest

from tests.wire.decoding import (
    NEITHER,
    SG,
    G,
    S,
    check_vector,
    decode_each_way,
    each_layout,
    refuse_decoding,
    refuse_encoding,
    refuse_payload_each_way,
    refuse_size_each_way,
)
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    MaxClipboard,
)

CLIPBOARD, GRAB, REQUEST, RELEASE, MAX = 4, 7, 8, 9, 14

#: Where the fields of a message begin behind the optional ones, by layout.
SELECTION_SIZE = {NEITHER: 0, G: 0, S: 4, SG: 4}
GRAB_PREFIX_SIZE = {NEITHER: 0, G: 4, S: 4, SG: 8}

ABOUT_A_SELECTION = [
    lambda selection, layout: Clipboard(selection, 1, b"text"),
    lambda selection, layout: ClipboardGrab(
        selection, (1,), 7 if layout in (G, SG) else None
    ),
    lambda selection, layout: ClipboardRequest(selection, 1),
    lambda selection, layout: ClipboardRelease(selection),
]

each_message = pytest.mark.parametrize(
    "make", ABOUT_A_SELECTION, ids=["CLIPBOARD", "GRAB", "REQUEST", "RELEASE"]
)


@pytest.mark.parametrize(
    ("layout", "spelling", "value"),
    [
        (NEITHER, "01000000 68656c6c6f", Clipboard(0, 1, b"hello")),
        (G, "01000000 68656c6c6f", Clipboard(0, 1, b"hello")),
        (S, "00000000 01000000 68656c6c6f", Clipboard(0, 1, b"hello")),
        (SG, "01000000 02000000 89504e47", Clipboard(1, 2, b"\x89PNG")),
        (S, "02000000 06000000 636f7079002f61", Clipboard(2, 6, b"copy\0/a")),
        (NEITHER, "00000000", Clipboard(0, 0, b"")),
        (S, "01000000 00000000", Clipboard(1, 0, b"")),
        (NEITHER, "ffffffff 00", Clipboard(0, 2**32 - 1, b"\0")),
    ],
)
def test_clipboard_data(layout, spelling, value):
    check_vector(CLIPBOARD, spelling, layout, value)


@pytest.mark.parametrize(
    ("layout", "spelling", "value"),
    [
        (NEITHER, "01000000 02000000", ClipboardGrab(0, (1, 2))),
        (S, "01000000 02000000", ClipboardGrab(1, (2,))),
        (G, "05000000 02000000", ClipboardGrab(0, (2,), 5)),
        (SG, "01000000 05000000 02000000", ClipboardGrab(1, (2,), 5)),
        (SG, "02000000 ffffffff", ClipboardGrab(2, (), 2**32 - 1)),
        (S, "02000000", ClipboardGrab(2, ())),
        (G, "00000000", ClipboardGrab(0, (), 0)),
        (NEITHER, "", ClipboardGrab(0, ())),
    ],
)
def test_grab(layout, spelling, value):
    check_vector(GRAB, spelling, layout, value)


def test_a_grab_read_by_another_layout_is_another_grab():
    payload = Codec().encode(ClipboardGrab(0, (1,), 0), SG)
    assert decode_each_way(GRAB, payload, NEITHER) == ClipboardGrab(0, (0, 0, 1))


@each_layout
def test_a_grab_may_have_32_types(layout):
    serial = 9 if layout in (G, SG) else None
    value = ClipboardGrab(0, tuple(range(32)), serial)
    payload = Codec().encode(value, layout)
    assert len(payload) == GRAB_PREFIX_SIZE[layout] + 128
    assert decode_each_way(GRAB, payload, layout) == value


@pytest.mark.parametrize(
    ("layout", "spelling", "value"),
    [
        (NEITHER, "01000000", ClipboardRequest(0, 1)),
        (G, "01000000", ClipboardRequest(0, 1)),
        (S, "02000000 01000000", ClipboardRequest(2, 1)),
        (SG, "01000000 06000000", ClipboardRequest(1, 6)),
    ],
)
def test_request(layout, spelling, value):
    check_vector(REQUEST, spelling, layout, value)


@pytest.mark.parametrize(
    ("layout", "spelling", "value"),
    [
        (NEITHER, "", ClipboardRelease(0)),
        (G, "", ClipboardRelease(0)),
        (S, "00000000", ClipboardRelease(0)),
        (S, "01000000", ClipboardRelease(1)),
        (SG, "02000000", ClipboardRelease(2)),
    ],
)
def test_release(layout, spelling, value):
    check_vector(RELEASE, spelling, layout, value)


@each_layout
@pytest.mark.parametrize("selection", [0, 1, 2])
def test_a_release_of_one_byte_is_taken_whatever_was_agreed(layout, selection):
    """H35."""
    payload = bytes([selection])
    assert decode_each_way(RELEASE, payload, layout) == ClipboardRelease(selection)


@each_layout
def test_a_release_of_four_bytes_is_taken_whatever_was_agreed(layout):
    payload = bytes.fromhex("02000000")
    assert decode_each_way(RELEASE, payload, layout) == ClipboardRelease(2)


def test_a_release_of_one_byte_goes_out_with_four():
    """H35."""
    release = decode_each_way(RELEASE, b"\x01", S)
    assert Codec().encode(release, S) == bytes.fromhex("01000000")


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("00004006", MaxClipboard(100 * 2**20)),
        ("ffffffff", MaxClipboard(-1)),
        ("00000000", MaxClipboard(0)),
        ("00000080", MaxClipboard(-(2**31))),
        ("ffffff7f", MaxClipboard(2**31 - 1)),
    ],
)
@each_layout
def test_max_clipboard(layout, spelling, value):
    check_vector(MAX, spelling, layout, value)


@pytest.mark.parametrize(
    ("number", "spelling", "value"),
    [
        (CLIPBOARD, "01a1b2c3 01000000 78", Clipboard(1, 1, b"x")),
        (GRAB, "01a1b2c3 01000000", ClipboardGrab(1, (1,))),
        (REQUEST, "01a1b2c3 01000000", ClipboardRequest(1, 1)),
        (RELEASE, "01a1b2c3", ClipboardRelease(1)),
    ],
)
def test_the_bytes_that_pad_a_selection_are_not_looked_at(number, spelling, value):
    assert decode_each_way(number, bytes.fromhex(spelling), S) == value


@each_message
@pytest.mark.parametrize("layout", [S, SG], ids=["S", "SG"])
@pytest.mark.parametrize("selection", [3, 4, 200, 255])
def test_a_selection_that_does_not_exist_is_refused(make, layout, selection):
    good = Codec().encode(make(1, layout), layout)
    bad = bytes([selection]) + good[1:]
    said = refuse_payload_each_way(make(1, layout).number, bad, layout)
    assert f"selection {selection}" in said


@each_layout
@pytest.mark.parametrize("selection", [3, 200])
def test_a_release_of_one_byte_that_is_no_selection_is_refused(layout, selection):
    said = refuse_payload_each_way(RELEASE, bytes([selection]), layout)
    assert f"selection {selection}" in said


@each_layout
def test_clipboard_data_too_short_for_its_fixed_part_are_refused(layout):
    for size in range(SELECTION_SIZE[layout] + 4):
        refuse_payload_each_way(CLIPBOARD, bytes(size), layout)


@each_layout
def test_a_grab_too_short_for_its_fixed_part_is_refused(layout):
    for size in range(GRAB_PREFIX_SIZE[layout]):
        refuse_payload_each_way(GRAB, bytes(size), layout)


@each_layout
@pytest.mark.parametrize("odd", [1, 2, 3, 5, 27])
def test_a_grab_with_part_of_a_type_is_refused(layout, odd):
    refuse_payload_each_way(GRAB, bytes(GRAB_PREFIX_SIZE[layout] + odd), layout)


@pytest.mark.parametrize("layout", [NEITHER, S, G], ids=["neither", "S", "G"])
def test_a_grab_with_33_types_is_refused(layout):
    payload = bytes(GRAB_PREFIX_SIZE[layout] + 4 * 33)
    assert "33 types" in refuse_payload_each_way(GRAB, payload, layout)


def test_a_grab_with_33_types_and_all_else_is_over_the_limit():
    payload = bytes(8 + 4 * 33)
    assert "33 types" in refuse_decoding(GRAB, payload, SG)
    refuse_size_each_way(GRAB, payload, SG)


@each_layout
def test_a_request_of_any_other_size_is_refused(layout):
    exact = SELECTION_SIZE[layout] + 4
    for size in {*range(9)} - {exact}:
        refuse_payload_each_way(REQUEST, bytes(size), layout)
    refuse_size_each_way(REQUEST, bytes(9), layout)
    refuse_decoding(REQUEST, bytes(9), layout)


@each_layout
def test_a_release_of_two_or_three_bytes_is_refused(layout):
    for size in (2, 3):
        refuse_payload_each_way(RELEASE, bytes(size), layout)


@each_layout
def test_a_release_of_more_than_four_bytes_is_refused(layout):
    refuse_size_each_way(RELEASE, bytes(5), layout)
    refuse_decoding(RELEASE, bytes(5), layout)


@pytest.mark.parametrize("layout", [S, SG], ids=["S", "SG"])
def test_a_release_without_its_selection_is_refused(layout):
    refuse_payload_each_way(RELEASE, b"", layout)


def test_a_max_clipboard_of_any_other_size_is_refused():
    for size in range(4):
        refuse_payload_each_way(MAX, bytes(size))
    refuse_size_each_way(MAX, bytes(5))
    refuse_decoding(MAX, bytes(5))


@each_message
@pytest.mark.parametrize("layout", [NEITHER, G], ids=["neither", "G"])
@pytest.mark.parametrize("selection", [1, 2, 3])
def test_only_clipboard_can_be_told_without_selections(make, layout, selection):
    said = refuse_encoding(make(selection, layout), layout)
    assert f"selection {selection}" in said


@each_message
@each_layout
@pytest.mark.parametrize("selection", [-1, 3, 200, 256, 2**32])
def test_a_selection_that_does_not_exist_is_not_sent(make, layout, selection):
    refuse_encoding(make(selection, layout), layout)


@pytest.mark.parametrize(
    ("layout", "serial"),
    [(NEITHER, 0), (S, 0), (S, 5), (G, None), (SG, None)],
    ids=["neither", "S and 0", "S", "G", "SG"],
)
def test_a_grab_has_a_serial_exactly_where_it_was_agreed(layout, serial):
    assert "serial" in refuse_encoding(ClipboardGrab(0, (1,), serial), layout)


@each_layout
def test_a_grab_with_33_types_is_not_sent(layout):
    serial = 9 if layout in (G, SG) else None
    refuse_encoding(ClipboardGrab(0, (1,) * 33, serial), layout)


@pytest.mark.parametrize("layout", [S, SG], ids=["S", "SG"])
@pytest.mark.parametrize("kind", [-1, 2**32])
def test_a_type_that_is_no_32_bit_number_is_not_sent(layout, kind):
    refuse_encoding(Clipboard(0, kind, b""), layout)
    refuse_encoding(ClipboardRequest(0, kind), layout)
    serial = 9 if layout is SG else None
    refuse_encoding(ClipboardGrab(0, (1, kind), serial), layout)


@pytest.mark.parametrize("serial", [-1, 2**32])
def test_a_serial_that_is_no_32_bit_number_is_not_sent(serial):
    refuse_encoding(ClipboardGrab(0, (1,), serial), SG)


@pytest.mark.parametrize("most", [-(2**31) - 1, 2**31])
def test_a_max_clipboard_that_is_no_signed_32_bit_number_is_not_sent(most):
    refuse_encoding(MaxClipboard(most))
