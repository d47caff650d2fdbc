"""What tests of filtered clipboards share."""

from __future__ import annotations

import pytest

from tests.hub.doubles import logged


@pytest.fixture
def _no_handler_fails():
    with logged() as lines:
        yield
    assert lines.having("handler").texts == []
