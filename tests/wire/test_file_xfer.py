from __future__ import annotations

import pytest

from tests.wire.decoding import (
    NEITHER,
    check_vector,
    decode_each_way,
    each_layout,
    refuse_decoding,
    refuse_encoding,
    refuse_payload_each_way,
    refuse_size_each_way,
)
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import FileXferData, FileXferStart, FileXferStatus

START, STATUS, DATA = 10, 11, 12

GROUP = b"[vdagent-file-xfer]\n"


def start(text, transfer=b"\x07\0\0\0"):
    return transfer + text + b"\0"


START_VECTOR = (
    "07000000"
    "5b76646167656e742d66696c652d786665725d0a"  # [vdagent-file-xfer]
    "6e616d653d612e7478740a"  # name=a.txt
    "73697a653d31320a"  # size=12
    "00"
)


@each_layout
def test_start(layout):
    check_vector(START, START_VECTOR, layout, FileXferStart(7, "a.txt", 12))


def test_start_with_the_counts_that_spice_gtk_adds():
    text = GROUP + b"name=\xc3\xa4 b\nsize=0\nfile-xfer-nr=1\nfile-xfer-total=2\n"
    value = FileXferStart(7, "ä b", 0, 1, 2)
    check_vector(START, start(text).hex(), NEITHER, value)


def test_start_with_the_largest_numbers():
    text = (
        GROUP + b"name=a\nsize=18446744073709551615\n"
        b"file-xfer-nr=4294967295\nfile-xfer-total=4294967295\n"
    )
    value = FileXferStart(7, "a", 2**64 - 1, 2**32 - 1, 2**32 - 1)
    check_vector(START, start(text).hex(), NEITHER, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"name=a\nsize=18446744073709551615\n", FileXferStart(7, "a", 2**64 - 1)),
        (b"size=5\nname=a", FileXferStart(7, "a", 5)),
        (b"name=a\r\nsize=5\r\n", FileXferStart(7, "a", 5)),
        (b"#c\n\nname = a\nsize = 5\nfuture=x\n", FileXferStart(7, "a", 5)),
        (b"name=a\nsize=0000005\n", FileXferStart(7, "a", 5)),
        (b"name=\nsize=5\n", FileXferStart(7, "", 5)),
        (b"name=\\s\\\\a\\tb\\nc\nsize=5\n", FileXferStart(7, " \\a\tb\nc", 5)),
        (b"name=../a/b\nsize=5\n", FileXferStart(7, "../a/b", 5)),
        (b"name=a\nsize=5\nfile-xfer-nr=3\n", FileXferStart(7, "a", 5, 3)),
        (
            b"name=a\nsize=5\nfile-xfer-total=4294967295\n",
            FileXferStart(7, "a", 5, None, 2**32 - 1),
        ),
        (b"name=a\nsize=5\n[other]\nname=b\nsize=x\n", FileXferStart(7, "a", 5)),
    ],
)
def test_key_files_that_other_clients_may_write(text, value):
    assert decode_each_way(START, start(GROUP + text)) == value


def test_a_key_file_may_have_64_kib():
    frame = len(GROUP) + len("name=\nsize=5\n") + 1
    value = FileXferStart(7, "a" * (64 * 1024 - frame), 5)
    payload = Codec().encode(value, NEITHER)
    assert len(payload) == 4 + 64 * 1024
    assert decode_each_way(START, payload) == value


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("07000000 00000000", FileXferStatus(7, 0)),
        ("ffffffff 01000000", FileXferStatus(2**32 - 1, 1)),
        ("07000000 02000000", FileXferStatus(7, 2)),
        ("07000000 03000000", FileXferStatus(7, 3)),
        ("07000000 04000000", FileXferStatus(7, 4)),
        ("07000000 ffffffff", FileXferStatus(7, 2**32 - 1)),
        (
            "07000000 02000000 00 1f000000",
            FileXferStatus(7, 2, error_type=0, error_code=31),
        ),
        (
            "07000000 04000000 0010000001000000",
            FileXferStatus(7, 4, disk_free_space=2**32 + 4096),
        ),
        (
            "07000000 04000000 ffffffffffffffff",
            FileXferStatus(7, 4, disk_free_space=2**64 - 1),
        ),
    ],
)
@each_layout
def test_status(layout, spelling, value):
    check_vector(STATUS, spelling, layout, value)


@pytest.mark.parametrize("result", [0, 1, 3, 5, 6, 7, 8, 1000])
@pytest.mark.parametrize("size", [1, 5, 8, 64])
def test_a_detail_of_a_result_that_has_none_is_not_read(result, size):
    payload = b"\x07\0\0\0" + result.to_bytes(4, "little") + b"\xff" * size
    assert decode_each_way(STATUS, payload) == FileXferStatus(7, result)


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("07000000 0300000000000000 616263", FileXferData(7, b"abc")),
        ("ffffffff 0000000000000000", FileXferData(2**32 - 1, b"")),
    ],
)
@each_layout
def test_data(layout, spelling, value):
    check_vector(DATA, spelling, layout, value)


def test_data_may_have_1_mib():
    value = FileXferData(7, b"\xff" * 2**20)
    payload = Codec().encode(value, NEITHER)
    assert decode_each_way(DATA, payload) == value


def test_start_too_short_for_an_id_is_refused():
    for size in range(4):
        refuse_payload_each_way(START, bytes(size))


def test_a_start_cut_anywhere_is_refused():
    whole = bytes.fromhex(START_VECTOR)
    for size in range(len(whole)):
        refuse_payload_each_way(START, whole[:size])


@pytest.mark.parametrize(
    "end", [b"", b"\0\0", b"\0x", b"\0name=b\n\0"], ids=["none", "two", "x", "a key"]
)
def test_a_key_file_that_does_not_end_with_its_one_nul_is_refused(end):
    payload = b"\x07\0\0\0" + GROUP + b"name=a\nsize=5\n" + end
    assert "NUL" in refuse_payload_each_way(START, payload)


@pytest.mark.parametrize(
    "text",
    [
        b"garbage",
        b"\xff\xfe\xfd",
        b"name=a\nsize=5\n",
        b"[vdagent-file-xfer\nname=a\nsize=5\n",
        GROUP + b"name=a\nsize=5\ngarbage\n",
        GROUP + b"name=\xff\nsize=5\n",
        GROUP + b"name=\xed\xa0\x80\nsize=5\n",
        GROUP + b"name=a\\qb\nsize=5\n",
        GROUP + b"name=a\\\nsize=5\n",
    ],
)
def test_what_is_no_key_file_is_refused(text):
    refuse_payload_each_way(START, start(text))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        GROUP,
        GROUP + b"name=a\n",
        GROUP + b"size=5\n",
        GROUP + b"Name=a\nSize=5\n",
        b"[other]\nname=a\nsize=5\n",
    ],
)
def test_a_key_file_without_a_name_and_a_size_is_refused(text):
    assert "without name and size" in refuse_payload_each_way(START, start(text))


NO_NUMBERS = [
    b"",
    b"-1",
    b"+1",
    b"-0",
    b"1.0",
    b"1e3",
    b"0x10",
    b"12a",
    b"a",
    b"1 2",
    b"1_000",
    b"1,000",
    "\u0661\u0662".encode(),
    "\uff11".encode(),
    "\u00b2".encode(),
    b"9" * 21,
    b"9" * 5000,
]


@pytest.mark.parametrize("size", [*NO_NUMBERS, b"18446744073709551616"])
def test_a_size_that_is_no_64_bit_number_is_refused(size):
    text = GROUP + b"name=a\nsize=" + size + b"\n"
    assert "size" in refuse_payload_each_way(START, start(text))


@pytest.mark.parametrize("key", [b"file-xfer-nr", b"file-xfer-total"])
@pytest.mark.parametrize("count", [*NO_NUMBERS, b"4294967296"])
def test_a_count_that_is_no_32_bit_number_is_refused(key, count):
    text = GROUP + b"name=a\nsize=5\n" + key + b"=" + count + b"\n"
    assert key.decode() in refuse_payload_each_way(START, start(text))


def test_why_a_start_is_refused_does_not_tell_its_name():
    for text in (b"name=secret\nsize=-1\n", b"name=secret\\q\nsize=1\n"):
        assert "secret" not in refuse_payload_each_way(START, start(GROUP + text))


def test_a_key_file_over_64_kib_is_over_the_limit():
    payload = start(GROUP + b"name=" + b"a" * 64 * 1024 + b"\nsize=5\n")
    refuse_size_each_way(START, payload)


def test_a_status_too_short_for_id_and_result_is_refused():
    for size in range(8):
        refuse_payload_each_way(STATUS, bytes(size))


@pytest.mark.parametrize(("result", "right"), [(4, 8), (2, 5)])
@pytest.mark.parametrize("size", [1, 4, 5, 7, 8, 9, 64])
def test_a_detail_of_another_size_is_left_out(result, right, size):
    payload = bytes([7, 0, 0, 0, result, 0, 0, 0]) + bytes(size)
    status = decode_each_way(STATUS, payload)
    assert (status == FileXferStatus(7, result)) is (size != right)


def test_a_detail_of_65_bytes_is_over_the_limit():
    refuse_size_each_way(STATUS, bytes(8 + 65))


@pytest.mark.parametrize(
    ("size", "data"),
    [
        (3000, b"abc"),
        (8_000_000, b"abc"),
        (2, b"abc"),
        (0, b"abc"),
        (1, b""),
        (2**32 + 3, b"abc"),
        (2**64 - 1, b"abc"),
    ],
)
def test_data_that_are_not_as_long_as_they_claim_are_refused(size, data):
    payload = b"\x07\0\0\0" + size.to_bytes(8, "little") + data
    assert f"claims {size}" in refuse_payload_each_way(DATA, payload)


def test_data_too_short_for_id_and_size_are_refused():
    for size in range(12):
        refuse_payload_each_way(DATA, bytes(size))


@pytest.mark.parametrize("transfer", [-1, 2**32])
def test_an_id_that_is_no_32_bit_number_is_not_sent(transfer):
    refuse_encoding(FileXferStart(transfer, "a", 5))
    refuse_encoding(FileXferStatus(transfer, 0))
    refuse_encoding(FileXferData(transfer, b""))


@pytest.mark.parametrize("size", [-1, 2**64, 10**5000], ids=["-1", "2**64", "10**5000"])
def test_a_size_that_is_no_64_bit_number_is_not_sent(size):
    refuse_encoding(FileXferStart(7, "a", size))


@pytest.mark.parametrize("count", [-1, 2**32])
def test_a_count_that_is_no_32_bit_number_is_not_sent(count):
    refuse_encoding(FileXferStart(7, "a", 5, nr=count))
    refuse_encoding(FileXferStart(7, "a", 5, total=count))


@pytest.mark.parametrize("name", ["a\0b", "\0", "\ud800", "a" * 64 * 1024])
def test_a_name_that_a_key_file_cannot_hold_is_not_sent(name):
    refuse_encoding(FileXferStart(7, name, 5))


@pytest.mark.parametrize(
    "value",
    [
        FileXferStatus(7, -1),
        FileXferStatus(7, 2**32),
        FileXferStatus(7, 4, disk_free_space=-1),
        FileXferStatus(7, 4, disk_free_space=2**64),
        FileXferStatus(7, 2, error_type=-1, error_code=0),
        FileXferStatus(7, 2, error_type=256, error_code=0),
        FileXferStatus(7, 2, error_type=0, error_code=-1),
        FileXferStatus(7, 2, error_type=0, error_code=2**32),
    ],
)
def test_a_status_that_does_not_fit_its_fields_is_not_sent(value):
    refuse_encoding(value)


@pytest.mark.parametrize("result", [0, 1, 3, 5, 6, 7, 8])
def test_a_detail_is_not_sent_with_a_result_that_has_none(result):
    refuse_encoding(FileXferStatus(7, result, disk_free_space=0))
    refuse_encoding(FileXferStatus(7, result, error_type=0, error_code=0))


def test_a_detail_is_not_sent_with_the_result_of_another():
    refuse_encoding(FileXferStatus(7, 2, disk_free_space=0))
    refuse_encoding(FileXferStatus(7, 4, error_type=0, error_code=0))
    refuse_encoding(FileXferStatus(7, 4, 5, error_type=0, error_code=0))


def test_half_a_detail_is_not_sent():
    refuse_encoding(FileXferStatus(7, 2, error_type=0))
    refuse_encoding(FileXferStatus(7, 2, error_code=0))


def test_data_over_1_mib_are_not_sent():
    said = refuse_encoding(FileXferData(7, bytes(2**20 + 1)))
    assert "more than" in said


def test_data_over_1_mib_are_over_the_limit_whatever_the_codec_allows():
    assert Codec(max_message=2**30).limit(DATA) == 12 + 2**20


def test_data_claiming_more_than_any_file_are_refused_without_a_reader():
    refuse_decoding(DATA, b"\x07\0\0\0" + b"\xff" * 8)
