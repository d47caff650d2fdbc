"""Whatever peers send, nothing is raised and everybody else is served."""

from __future__ import annotations

from fuzz import hub
from tests.examples import fuzzed
from tests.fuzz.inputs import inputs


@fuzzed(1500, data=inputs("hub"))
def test_whatever_others_say_a_client_and_the_agent_are_served(data):
    hub.check(data)
