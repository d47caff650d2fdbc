"""What every test is held to: nothing left behind, nothing failed unseen."""

from __future__ import annotations

import gc
import sys

import pytest
from twisted.logger import LogLevel, globalLogBeginner, globalLogPublisher

from tests.packaging import copy_checkout, environment, run
from tests.support import LogLines, PluginFolder


@pytest.fixture(autouse=True, scope="session")
def _no_log_buffer():
    """Keep Twisted from storing what is logged, exceptions and all, for later."""
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)


@pytest.fixture(autouse=True)
def logged_failures():
    """
    Fail a test during which Twisted logged a failure: pytest-twisted does not.

    A test that expects one takes it out of this list.
    """
    failures = []

    def observe(event):
        failure = event.get("log_failure") or event.get("failure")  # new API, old API
        if failure is not None and event.get("log_level") is LogLevel.critical:
            failures.append(failure.getTraceback())

    globalLogPublisher.addObserver(observe)
    yield failures
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
def collected():
    """Collect the garbage of the test before the next one."""
    yield
    gc.collect()


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


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """A copy of the files that belong to the project, to build from."""
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def dists(checkout):
    """The folder with the wheel and the source distribution."""
    run(sys.executable, "-m", "build", "--outdir", checkout / "dist", cwd=checkout)
    return checkout / "dist"


@pytest.fixture(scope="session")
def wheel(dists):
    """The wheel of this checkout."""
    (path,) = dists.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def from_wheel(wheel, tmp_path_factory):
    """The programs of an environment with the wheel in it."""
    return environment(tmp_path_factory.mktemp("wheel") / "venv", wheel)
