"""Guests for tests: one for each test, or one for a whole file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.guest import Guest


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    """A guest that this test may leave in any state."""
    guest = Guest(tmp_path)
    yield guest
    guest.close()


@pytest.fixture(scope="module")
def guest_options() -> str:
    """Lines for the configuration of ``shared_guest``; a module may have its own."""
    return ""


@pytest.fixture(scope="module")
def shared_guest(
    tmp_path_factory: pytest.TempPathFactory, guest_options: str
) -> Iterator[Guest]:
    """A guest whose agent runs, at the end of a test as at its beginning."""
    guest = Guest(tmp_path_factory.mktemp("guest"), guest_options)
    yield guest
    guest.close()
