"""Payloads with each of their fields at each of its ends, made from the classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from vdproxy.wire.messages import Message

_VALUES: dict[Any, Any] = {int: 1, bool: True, str: "a", bytes: b"a"}

#: Where fields of so many bytes have their ends, and signs theirs.
_ENDS = {
    size: sorted(
        {0, 1, 2 ** (8 * size) - 2, 2 ** (8 * size) - 1}
        | {value for value in (2**31, 2**32 - 1) if value < 2 ** (8 * size)}
    )
    for size in (1, 2, 4, 8)
}


def sample(message_class: type[Message]) -> Message:
    """Return a message of a class, each of its fields with something in it."""
    value = _sample(message_class)
    assert isinstance(value, Message)
    return value


def _sample(kind: Any) -> Any:
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(  # type: ignore[operator]  # it is a class
            **{
                f.name: _sample(hints[f.name])
                for f in fields(kind)
                if f.default is MISSING
            }
        )
    if get_origin(kind) is tuple:
        return (_sample(get_args(kind)[0]),)
    return _VALUES[kind]


def at_its_ends(payload: bytes, start: int) -> Iterator[bytes]:
    """Yield *payload* with all ends of each field that may begin at *start*."""
    for size, ends in _ENDS.items():
        if start + size <= len(payload):
            for value in ends:
                field = value.to_bytes(size, "little")
                yield payload[:start] + field + payload[start + size :]
