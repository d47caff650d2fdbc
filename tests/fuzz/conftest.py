"""The examples are counted: as many as were asked for have been tried."""

from __future__ import annotations

import pytest

from tests.examples import asked, tried


@pytest.fixture(autouse=True)
def _all_are_tried(request):
    yield
    name = request.node.originalname
    assert tried[name] >= asked[name], f"{tried[name]} of {asked[name]} examples"


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"fuzzing: {tried.total()} examples tried")
    for name, count in sorted(tried.items()):
        terminalreporter.write_line(f"{count:9} {name}")
