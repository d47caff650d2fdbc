from __future__ import annotations

import pytest

from tests.hub.doubles import logged


@pytest.fixture(autouse=True)
def _nothing_fails():
    """Fail a test in which the handler raised something."""
    with logged() as lines:
        yield
    assert lines.having("failed: ").texts == []
