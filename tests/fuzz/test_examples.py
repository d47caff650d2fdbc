from __future__ import annotations

import tests.fuzz.test_chunks
import tests.fuzz.test_codec
import tests.fuzz.test_hub
import tests.fuzz.test_links
import tests.fuzz.test_newcomer  # noqa: F401 - what is counted
from tests.examples import asked


def test_thirty_thousand_examples_are_asked_for():
    assert asked.total() >= 30_000
