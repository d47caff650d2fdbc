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
    for _ in range(140):
        marks.receive_data(b"x" * 1000)
    assert marks.first() is None


def test_no_more_is_kept_than_the_last_read_and_a_little():
    marks = Marks()
    for _ in range(3):
        marks.receive_data(bytes(1_000_000))
    assert len(marks.since(marks.received - 1_000_000)) == 1_000_000
    assert len(marks.since(0)) <= 1_000_000 + 64 * 1024


@pytest.mark.parametrize("size", [1, 7, 1000, 2048, 2049, 40_000])
def test_the_last_64_kib_are_kept_however_they_come(size):
    stream = bytes(range(256)) * 1024
    marks = after(*(stream[at : at + size] for at in range(0, len(stream), size)))
    assert marks.since(len(stream) - 65536) == stream[-65536:]
    assert marks.since(len(stream) - 1) == stream[-1:]
    assert len(marks.since(0)) < 65536 + 2048 + size


def test_the_first_of_several_is_found_and_then_the_next():
    marks = after(b"x" * 9 + MARK + b"y" * 9 + MARK)
    assert marks.first() == 9
    assert marks.first(9 + SIZE - 1) == 9
    assert marks.first(9 + SIZE) == 18 + SIZE
    marks.done(9 + SIZE)
    assert marks.first() == 18 + SIZE
    marks.done(18 + 2 * SIZE)
    assert marks.first() is None


def test_the_marks_around_a_place_may_begin_or_end_there():
    marks = after(b"x" * 100 + MARK + b"x" * 100)
    found = (100, 100 + SIZE)
    for offset in range(101, 100 + SIZE + 1):
        assert list(marks.around(offset)) == [found], offset
    assert list(marks.around(0)) == []


def test_a_mark_that_was_acted_upon_is_around_no_place():
    marks = after(MARK)
    marks.done(SIZE)
    assert list(marks.around(SIZE)) == []


@pytest.mark.parametrize("count", range(9))
def test_the_beginning_of_a_mark_is_seen_until_the_mark_is_whole(count):
    mark = announce(1, *[0x0A00FF0A] * count)
    for cut in range(1, len(mark)):
        marks = after(b"x" * 50 + mark[:cut])
        assert marks.begun_before(50 + cut) == 50, cut
        assert marks.begun_before(50) is None, cut
    assert after(b"x" * 50 + mark).begun_before(50 + len(mark)) != 50


def test_what_goes_on_otherwise_is_no_beginning_of_a_mark():
    for cut in range(1, 28):
        other = MARK[:cut] + bytes([MARK[cut] ^ 0x80])
        assert after(b"x" * 50 + other).begun_before(50 + len(other)) is None, cut
    assert after(MARK[:10] + b"x" * 100).begun_before(10) is None


@pytest.mark.parametrize("cut", [-50, -1, 0, 1, 20, SIZE - 1, SIZE, SIZE + 1, 50])
def test_marks_are_found_between_two_places_wherever_a_read_ends(cut):
    stream = b"x" * 3000 + MARK + b"x" * 3000
    marks = after(stream[: 3000 + cut], stream[3000 + cut :])
    found = (3000, 3000 + SIZE)
    for place in range(2940, 3100):
        before, behind = marks.between(0, place), marks.between(place, len(stream))
        assert list(before) == [found] * (place >= found[1]), place
        assert list(behind) == [found] * (place <= found[0]), place
