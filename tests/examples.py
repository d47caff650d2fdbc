"""
How many examples hypothesis tries, and which.

Each test has its number and tries the same ones every time. With a number in
``VDPROXY_HUNT`` it tries so many times as many, and others each time.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

from hypothesis import given, settings

_HUNT = os.environ.get("VDPROXY_HUNT")

#: How many examples fuzzed tests are to try, and have tried, by their names.
asked: Counter[str] = Counter()
tried: Counter[str] = Counter()


def trying(count: int, **others: Any) -> settings:
    """Return hypothesis' settings for *count* examples, and *others* of them."""
    return settings(
        max_examples=count * int(_HUNT or 1),
        derandomize=_HUNT is None,
        deadline=None,
        **others,
    )


def fuzzed(count: int, **strategies: Any) -> Callable[[Any], Any]:
    """Have a test tried with *count* examples, which are counted."""

    def decorate(test: Any) -> Any:
        name = test.__name__

        @wraps(test)
        def counted(**example: Any) -> None:
            tried[name] += 1
            test(**example)

        their_settings = trying(count)
        asked[name] = their_settings.max_examples
        return their_settings(given(**strategies)(counted))

    return decorate
