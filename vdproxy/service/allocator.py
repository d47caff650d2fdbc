"""How the C library keeps the memory that large messages come and go in."""

from __future__ import annotations

import ctypes

# Of <malloc.h>, glibc's.
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3

#: Blocks from this size on are mapped, and given back to the kernel when they are free.
_MAPPED = 8 * 1024 * 1024

#: Free memory that is kept at the end of the heap, bytes, and had in store for more.
_KEPT = 6 * 1024 * 1024
_IN_STORE = 1024 * 1024


def keep_some_memory() -> None:
    """
    Have glibc keep a few MiB that are free, rather than fetch them again and again.

    By itself it gives every block of 128 KiB back, and a relay that reads and joins
    blocks of that size spends half of its time on having the kernel clear new pages.
    What is above that goes back at once all the same. Another C library is left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MAPPED)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_TOP_PAD, _IN_STORE)
