"""How much of what came in something keeps."""

from __future__ import annotations

import gc
from io import BytesIO
from types import (
    BuiltinFunctionType,
    FunctionType,
    ModuleType,
)

#: What is not followed: it belongs to the program.
_PROGRAM = (type, ModuleType, FunctionType, BuiltinFunctionType)


def kept(*holders: object) -> int:
    """Return the bytes in all byte strings that can be reached from *holders*."""
    seen: set[int] = set()
    total = 0
    waiting: list[object] = list(holders)
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _PROGRAM):
            continue
        seen.add(id(one))
        if isinstance(one, bytes | bytearray):
            total += len(one)
        elif isinstance(one, BytesIO):
            total += len(one.getbuffer())
        else:
            waiting += gc.get_referents(one)
    return total
