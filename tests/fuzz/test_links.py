"""Whatever a peer says at whatever moment, a link stands it."""

from __future__ import annotations

from fuzz import links
from tests.examples import fuzzed
from tests.fuzz.inputs import inputs


@fuzzed(8000, data=inputs("links"))
def test_a_link_stands_whatever_its_peer_says(data):
    links.check(data)
