"""The examples are plugins that others can install, beside vdproxy's own wheel."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from importlib.metadata import version
from typing import NamedTuple

import pytest

from tests.packaging import environment, run
from tests.peers.daemon import Vdproxy
from tests.peers.programs import wait_for
from tests.peers.rawclient import RawClient
from tests.peers.viewer import Viewer
from vdproxy.testing import LINUX_AGENT, SPICE_GTK
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.chunk import GUEST_FRAMING
from vdproxy.wire.messages import AnnounceCapabilities, ClipboardGrab, Unknown


class Example(NamedTuple):
    """A folder of examples, and what its plugin is called."""

    folder: str
    kind: str
    plugin: str
    option: str

    @property
    def listed(self) -> list[str]:
        """What a line of ``vdproxy plugins`` begins with."""
        return [self.kind, self.plugin, f"vdproxy-{self.plugin}", "1.0"]


PASTE_GUARD = Example("paste_guard", "filter", "paste-guard", "markers")
NOTIFY = Example("notify", "handler", "notify", "keep")
EXAMPLES = [PASTE_GUARD, NOTIFY]

GUARDED = """
[vm:guarded]
guest = simulated:
clients = vdi unix:clients.sock
filters = paste-guard, audit
required = paste-guard

[filter:paste-guard]
markers =
    PRIVATE KEY
    PuTTY-User-Key-File
"""

NOTIFIED = """
[vm:notified]
guest-listen = unix:agent.sock
clients = vdi unix:clients.sock
handlers = capabilities, notify

[handler:notify]
keep = 3
"""

KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz...\n"

#: The capability and the message type of examples/notify.
NOTIFICATIONS = Capabilities.of(100)
NOTIFICATION = 1100

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.plugin)


@pytest.fixture(scope="module")
def sources(checkout, tmp_path_factory):
    """A copy of the examples, to build from and to install in place."""
    return shutil.copytree(
        checkout / "examples", tmp_path_factory.mktemp("examples") / "sources"
    )


@pytest.fixture(scope="module")
def installed(sources, wheel, tmp_path_factory):
    """The programs of an environment with the wheels of vdproxy and of the examples."""
    where = tmp_path_factory.mktemp("installed") / "venv"
    checkers = [f"{name}=={version(name)}" for name in ("mypy", "mypy-zope")]
    folders = [sources / example.folder for example in EXAMPLES]
    return environment(where, wheel, *folders, "pytest", *checkers)


@pytest.fixture(scope="module")
def in_place(sources, wheel, tmp_path_factory):
    """The programs of an environment with the filter installed from its sources."""
    where = tmp_path_factory.mktemp("in_place") / "venv"
    return environment(where, wheel, "--editable", sources / PASTE_GUARD.folder)


@pytest.fixture
def configured(tmp_path):
    """The path of a configuration with both examples."""
    path = tmp_path / "vm.ini"
    path.write_text(GUARDED + NOTIFIED.replace("clients.sock", "others.sock"))
    return path


def lines_of(path):
    return len(path.read_text().splitlines())


def plugin_line(bin, example):
    """Return the words of the line that lists an example."""
    lines = map(str.split, run(bin / "vdproxy", "plugins").splitlines())
    (line,) = [line for line in lines if line[:2] == [example.kind, example.plugin]]
    return line


def test_a_filter_takes_less_than_45_lines(sources):
    folder = sources / PASTE_GUARD.folder
    files = [*folder.glob("vdproxy_*/*.py"), *folder.glob("twisted/plugins/*.py")]
    assert len(files) == 2
    assert sum(map(lines_of, files)) < 45


@each_example
def test_it_is_listed_with_its_distribution(installed, example):
    assert plugin_line(installed, example)[:4] == example.listed


def test_it_is_listed_where_it_is_installed_in_place(in_place):
    assert plugin_line(in_place, PASTE_GUARD)[:4] == PASTE_GUARD.listed


@each_example
def test_its_options_are_explained(installed, example):
    lines = run(installed / "vdproxy", "plugins", example.plugin).splitlines()
    (at,) = [i for i, line in enumerate(lines) if line.split()[0] == example.option]
    assert "default: " in lines[at]
    assert lines[at + 1].strip()


def test_a_configuration_with_them_is_accepted(installed, configured):
    run(installed / "twistd", "vdproxy", "--check-config", "-c", configured)


@each_example
def test_its_own_tests_pass_beside_the_wheels(installed, sources, example):
    tests = sources / example.folder / "tests"
    run(installed / "pytest", "-W", "error", "-p", "no:cacheprovider", tests)


def test_their_types_are_those_of_the_installed_vdproxy(installed, sources, tmp_path):
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nplugins = mypy_zope:plugin\nstrict = yes\n")
    options = ("--config-file", config, "--cache-dir", tmp_path / "cache")
    run(installed / "mypy", *options, *sources.glob("*/vdproxy_*/*.py"))


def test_the_guard_keeps_a_key_from_being_pasted(installed, tmp_path):
    with ExitStack() as stack:
        vdproxy = stack.enter_context(Vdproxy(tmp_path, GUARDED, bin=installed))
        clients = tmp_path / "clients.sock"
        owner = stack.enter_context(Viewer(clients, SPICE_GTK))
        other = stack.enter_context(Viewer(clients, SPICE_GTK))
        other.expect(ClipboardGrab)  # the guest's
        for text, pasted in [(KEY, b""), (b"no key", b"no key")]:
            owner.copy(text)
            other.expect(ClipboardGrab)
            assert other.paste().data == pasted
    refusals = [line for line in vdproxy.log.splitlines() if "refusal" in line]
    assert refusals
    for line in refusals:
        assert "filter='paste-guard' reason='it holds a private key'" in line
    assert "b3BlbnNz" not in vdproxy.log


def test_notifications_pass_between_a_client_and_the_guest(installed, tmp_path):
    with ExitStack() as stack:
        vdproxy = stack.enter_context(Vdproxy(tmp_path, NOTIFIED, bin=installed))
        wait_for(lambda: vdproxy.log.count("listening for") == 2, 5, "second socket")
        agent = stack.enter_context(
            RawClient.connect(tmp_path / "agent.sock", GUEST_FRAMING)
        )
        asked = agent.expect(AnnounceCapabilities)
        assert 100 in asked.capabilities
        agent.announce(0, LINUX_AGENT | NOTIFICATIONS)
        viewer = stack.enter_context(
            Viewer(tmp_path / "clients.sock", SPICE_GTK | NOTIFICATIONS)
        )
        assert 100 in viewer.offer
        said = Unknown(NOTIFICATION, b"\5\0\0\0guestIt is done.")
        agent.send(said)
        assert viewer.expect(Unknown) == said
        said = Unknown(NOTIFICATION, b"\6\0\0\0clientIt is done.")
        viewer.send(said)
        assert agent.expect(Unknown) == said
