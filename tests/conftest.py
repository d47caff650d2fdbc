"""What every test is held to: nothing left behind, nothing failed unseen."""

from __future__ import annotations

import pytest
from twisted.logger import LogLevel, globalLogPublisher

from tests.support import LogLines, PluginFolder


@pytest.fixture(autouse=True)
def _no_logged_failures():
    """Fail a test during which Twisted logged a failure: pytest-twisted does not."""
    failures = []

    def observe(event):
        if event.get("log_level") is LogLevel.critical and "log_failure" in event:
            failures.append(event["log_failure"].getTraceback())

    globalLogPublisher.addObserver(observe)
    yield
    globalLogPublisher.removeObserver(observe)
    assert not failures, "\n".join(failures)


@pytest.fixture(autouse=True)
def _clean_reactor():
    """Fail a test that leaves timers, ports or connections in the reactor."""
    from twisted.internet import reactor  # noqa: TID251 - the plugin has installed it

    def left():
        readers = [r for r in reactor.getReaders() if "Waker" not in type(r).__name__]
        return [*reactor.getDelayedCalls(), *readers, *reactor.getWriters()]

    before = left()
    yield
    extra = [str(one) for one in left() if one not in before]
    assert not extra, f"left in the reactor: {extra}"


@pytest.fixture
def reactor():
    """The reactor that runs the tests."""
    from twisted.internet import reactor  # noqa: TID251 - the plugin has installed it

    return reactor


@pytest.fixture
def log():
    """What is logged during the test."""
    with LogLines() as lines:
        yield lines


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """A folder for plugins that only this test has."""
    folder = PluginFolder(tmp_path, monkeypatch)
    yield folder
    folder.forget()
