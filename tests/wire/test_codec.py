from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

import pytest

from tests.wire.decoding import (
    LAYOUTS,
    NEITHER,
    SG,
    S,
    decode_each_way,
    refuse_payload_each_way,
    refuse_size_each_way,
)
from tests.wire.strategies import (
    VALUES,
)
from vdproxy.errors import LocalProtocolError, RemoteProtocolError
from vdproxy.wire.chunk import RawMessage
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import (
    STANDARD,
    Clipboard,
    FileXferData,
    Message,
    Reply,
    Unknown,
)

MIB = 2**20

LIMITS = {
    1: 13,
    2: 8 + 24 * 64,
    3: 8,
    4: 8 + 100 * MIB,
    5: 8,
    6: 4 + 4 * 8,
    7: 8 + 4 * 32,
    8: 8,
    9: 4,
    10: 4 + 64 * 1024,
    11: 8 + 64,
    12: 12 + MIB,
    13: 0,
    14: 4,
    15: 3 + 2 * 255,
    16: 4 + (16 + 256) * 64,
    17: MIB,
    2**32 - 1: MIB,
}
BULK = {4: 8, 12: 12}


@dataclass(frozen=True, slots=True)
class Colour(Message):
    """A message type that a handler brings: three bytes, each under 200."""

    rgb: tuple[int, ...]

    number: ClassVar[int] = 99
    max_size: ClassVar[int] = 4

    @classmethod
    def decode(cls, payload, layout):
        rgb = struct.unpack("<BBB", payload)
        if max(rgb) >= 200:
            raise ValueError("too bright")
        return cls(rgb)

    def encode(self, layout):
        if max(self.rgb) >= 200:
            raise ValueError("too bright")
        return struct.pack("<BBB", *self.rgb)


@dataclass(frozen=True, slots=True)
class Film(Message):
    """A type with data of any size behind two bytes."""

    data: bytes

    number: ClassVar[int] = 100
    max_size: ClassVar[int] = 5000
    data_offset: ClassVar[int | None] = 2

    @classmethod
    def decode(cls, payload, layout):
        return cls(payload[2:])

    def encode(self, layout):
        return b"\0\0" + self.data


@dataclass(frozen=True, slots=True)
class TextReply(Message):
    """Another reading of a type that the protocol defines."""

    text: bytes

    number: ClassVar[int] = 3
    max_size: ClassVar[int] = 20

    @classmethod
    def decode(cls, payload, layout):
        return cls(payload.upper())

    def encode(self, layout):
        return self.text.lower()


# There and back


def test_the_strategies_know_every_message_and_layout():
    assert set(VALUES) == {*STANDARD, Unknown}
    assert len(set(LAYOUTS)) == 4


# Limits


@pytest.mark.parametrize(("number", "limit"), LIMITS.items())
def test_each_type_has_its_limit(number, limit):
    assert Codec().limit(number) == limit


def test_the_limits_are_those_of_all_types():
    assert {message_class.number for message_class in STANDARD} < set(LIMITS)


@pytest.mark.parametrize("number", LIMITS)
def test_only_clipboard_and_file_data_carry_data(number):
    assert Codec().data_offset(number) == BULK.get(number)


@pytest.mark.parametrize("max_message", [0, 1000, MIB, 2**31])
def test_max_message_bounds_the_data_of_bulk_types_only(max_message):
    codec = Codec(max_message=max_message)
    for number, limit in LIMITS.items():
        if number not in BULK:
            assert codec.limit(number) == limit
    assert codec.limit(4) == min(8 + max_message, 2**31 - 1)
    assert codec.limit(12) == 12 + min(max_message, MIB)


@pytest.mark.parametrize("layout", [S, SG], ids=["S", "SG"])
def test_clipboard_data_over_max_message_are_not_sent(layout):
    codec = Codec(max_message=1000)
    assert len(codec.encode(Clipboard(0, 1, bytes(1000)), layout)) == 1008
    with pytest.raises(LocalProtocolError, match=r"Clipboard of 1009 bytes, .* 1008"):
        codec.encode(Clipboard(0, 1, bytes(1001)), layout)


def test_file_data_over_max_message_are_not_sent():
    codec = Codec(max_message=1000)
    assert len(codec.encode(FileXferData(1, bytes(1000)), NEITHER)) == 1012
    with pytest.raises(LocalProtocolError, match="FileXferData of 1013 bytes"):
        codec.encode(FileXferData(1, bytes(1001)), NEITHER)


def test_an_unknown_message_has_the_limit_of_its_number():
    assert Codec().encode(Unknown(3, bytes(8)), NEITHER) == bytes(8)
    with pytest.raises(LocalProtocolError, match="more than 8"):
        Codec().encode(Unknown(3, bytes(9)), NEITHER)


# What an error says


def test_why_a_payload_is_refused_names_its_size_and_class():
    with pytest.raises(RemoteProtocolError, match=r"^7 bytes are no Reply$") as caught:
        Codec().decode(RawMessage(1, 3, bytes(7)), NEITHER)
    assert isinstance(caught.value.__cause__, struct.error)


def test_why_a_value_is_not_sent_names_its_class():
    with pytest.raises(LocalProtocolError, match=r"^Reply cannot be encoded") as caught:
        Codec().encode(Reply(-1, 1), NEITHER)
    assert isinstance(caught.value.__cause__, struct.error)


# Classes that handlers bring


def test_a_class_of_a_handler_reads_its_type():
    codec = Codec([Colour])
    assert decode_each_way(99, b"\x01\x02\x03", NEITHER, codec) == Colour((1, 2, 3))
    assert codec.encode(Colour((1, 2, 3)), NEITHER) == b"\x01\x02\x03"
    assert codec.limit(99) == 4
    assert codec.data_offset(99) is None


@pytest.mark.parametrize("payload", [b"", b"ab", b"abcd", b"ab\xff"])
def test_a_payload_that_a_class_of_a_handler_cannot_read_is_refused(payload):
    said = refuse_payload_each_way(99, payload, NEITHER, Codec([Colour]))
    assert said == f"{len(payload)} bytes are no Colour"


def test_a_message_over_the_limit_of_a_class_of_a_handler_is_refused():
    said = refuse_size_each_way(99, b"abcde", NEITHER, Codec([Colour]))
    assert "type 99 with 5 bytes, more than 4" in said


FAILURES = [
    struct.error(),
    ValueError(),
    UnicodeDecodeError("utf-8", b"", 0, 1, ""),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda error: type(error).__name__)
def test_however_a_class_of_a_handler_fails_on_a_payload_it_is_refused(failure):
    class Failing(Colour):
        __slots__ = ()

        @classmethod
        def decode(cls, payload, layout):
            raise failure

    said = refuse_payload_each_way(99, b"abc", NEITHER, Codec([Failing]))
    assert said == "3 bytes are no Failing"


@pytest.mark.parametrize("failure", FAILURES, ids=lambda error: type(error).__name__)
def test_however_a_class_of_a_handler_fails_on_a_value_it_is_not_sent(failure):
    class Failing(Colour):
        __slots__ = ()

        def encode(self, layout):
            raise failure

    with pytest.raises(LocalProtocolError, match=r"^Failing cannot be encoded: "):
        Codec([Failing]).encode(Failing((1, 2, 3)), NEITHER)


@pytest.mark.parametrize("rgb", [(1, 2), (1, 2, 256), (1, 2, 200), (1, 2, -1)])
def test_a_value_that_a_class_of_a_handler_cannot_write_is_not_sent(rgb):
    with pytest.raises(LocalProtocolError, match=r"^Colour cannot be encoded: "):
        Codec([Colour]).encode(Colour(rgb), NEITHER)


@pytest.mark.parametrize(
    ("max_message", "limit"), [(10, 12), (4997, 4999), (4998, 5000), (9999, 5000)]
)
def test_a_bulk_class_of_a_handler_has_the_smaller_of_both_limits(max_message, limit):
    codec = Codec([Film], max_message)
    assert codec.data_offset(100) == 2
    assert codec.limit(100) == limit
    assert codec.encode(Film(bytes(limit - 2)), NEITHER) == bytes(limit)
    with pytest.raises(LocalProtocolError, match=f"Film of {limit + 1} bytes"):
        codec.encode(Film(bytes(limit - 1)), NEITHER)


def test_a_class_of_a_handler_wins_over_the_protocols():
    codec = Codec([TextReply])
    assert decode_each_way(99, b"abc", NEITHER, codec) == Unknown(99, b"abc")
    raw = RawMessage(1, 3, b"text")
    assert codec.decode(raw, NEITHER) == TextReply(b"TEXT")
    assert codec.encode(TextReply(b"TEXT"), NEITHER) == b"text"
    assert codec.limit(3) == 20


def test_the_later_of_two_classes_for_one_type_wins():
    class Later(TextReply):
        __slots__ = ()
        max_size = 30

    assert Codec([TextReply, Later]).limit(3) == 30
    assert Codec([Later, TextReply]).limit(3) == 20


def test_classes_of_one_codec_are_not_those_of_another():
    Codec([Colour, TextReply])
    plain = Codec()
    assert plain.decode(RawMessage(1, 99, b"abc"), NEITHER) == Unknown(99, b"abc")
    assert plain.decode(RawMessage(1, 3, bytes(8)), NEITHER) == Reply(0, 0)
