from __future__ import annotations

import pytest

from tests.link.frames import LINUX, announce
from vdproxy.link.marks import Marks

MARK = announce(1, LINUX)
SIZE = len(MARK)


def after(*reads):
    """Return the marks of a stream that came in these reads."""
    marks = Marks()
    for read in reads:
        marks.receive_data(read)
    return marks


@pytest.mark.parametrize("count", range(9))
@pytest.mark.parametrize("request_", [0, 1])
@pytest.mark.parametrize("port", [0, 1, 2])
@pytest.mark.parametrize("word", [0, 0xFFFFFFFF, 0x0A0A0A0A])
def test_an_announcement_in_a_chunk_of_its_own_is_a_mark(count, request_, port, word):
    mark = announce(request_, *[word] * count, port=port)
    marks = after(b"before" + mark + b"behind")
    assert marks.first() == 6
    assert marks.since(6) == mark + b"behind"


@pytest.mark.parametrize("at", range(28))
def test_a_byte_that_differs_in_the_headers_makes_it_none(at):
    other = bytearray(MARK)
    other[at] ^= 0x80
    assert after(bytes(other)).first() is None


@pytest.mark.parametrize(
    "stream", [announce(2, LINUX), announce(1, *range(9)), MARK[:-1], b"", b"\0" * 99]
)
def test_other_bytes_are_no_mark(stream):
    assert after(stream).first() is None


@pytest.mark.parametrize("before", [0, 1, 63, 511, 512, 513, 5000])
def test_a_mark_may_be_in_two_reads(before):
    for cut in range(SIZE + 1):
        marks = after(b"x" * before + MARK[:cut], MARK[cut:] + b"behind")
        assert marks.received == before + SIZE + 6
        assert marks.first() == before, f"cut at {cut}"
        assert marks.since(before) == MARK + b"behind"


def test_a_mark_may_come_byte_by_byte():
    marks = Marks()
    for byte in b"x" * 700 + MARK[:-1]:
        marks.receive_data(bytes([byte]))
        assert marks.first() is None
    marks.receive_data(MARK[-1:])
    assert marks.first() == 700
    assert marks.since(700) == MARK


def test_a_mark_is_found_while_few_bytes_come_behind_it():
    marks = after(MARK)
    for count in range(1, 400):
        marks.receive_data(b"x")
        assert marks.first() == 0, count


def test_a_mark_long_past_is_not_kept():
    marks = after(MARK)
    for _ in range(5000):
        marks.receive_data(b"x")
    assert marks.first() is None


def test_no_more_is_kept_than_the_last_read_and_a_little():
    marks = Marks()
    for _ in range(3):
        marks.receive_data(bytes(1_000_000))
    assert len(marks.since(marks.received - 1_000_000)) == 1_000_000
    assert len(marks.since(0)) < 1_001_000


def test_the_first_of_several_is_found_and_then_the_next():
    marks = after(b"x" * 9 + MARK + b"y" * 9 + MARK)
    assert marks.first() == 9
    marks.done(9 + SIZE)
    assert marks.first() == 18 + SIZE
    marks.done(18 + 2 * SIZE)
    assert marks.first() is None


def test_a_mark_around_a_place_is_one_it_is_inside_of():
    marks = after(b"x" * 100 + MARK + b"x" * 100)
    inside = range(101, 100 + SIZE)
    for offset in range(len(b"x" * 200) + SIZE + 1):
        expected = 100 if offset in inside else None
        assert marks.around(offset, or_before=False) == expected, offset


def test_a_mark_before_a_place_ends_there():
    marks = after(b"x" * 100 + MARK, b"x" * 100)
    end = 100 + SIZE
    assert marks.around(end, or_before=True) == 100
    assert marks.around(end + 1, or_before=True) is None
    assert marks.around(100, or_before=True) is None


def test_a_mark_that_was_acted_upon_is_around_no_place():
    marks = after(MARK)
    marks.done(SIZE)
    assert marks.around(SIZE // 2, or_before=True) is None
    assert marks.around(SIZE, or_before=True) is None
