"""What is installed is found, wherever it is installed from and used."""

from __future__ import annotations

import tarfile
import zipfile

import pytest

from tests.packaging import ROOT, environment, run
from tests.peers.daemon import Vdproxy
from tests.peers.rawclient import RawClient
from vdproxy.wire.messages import AnnounceCapabilities

INI = """
[vm:packaged]
guest = simulated:
clients = vdi unix:clients.sock
"""


@pytest.fixture(scope="module")
def from_checkout(checkout, tmp_path_factory):
    where = tmp_path_factory.mktemp("editable") / "venv"
    return environment(where, "--editable", checkout)


@pytest.fixture(params=["from_wheel", "from_checkout"])
def installed(request):
    return request.getfixturevalue(request.param)


def test_no_package_file_hides_twisted_or_its_plugins():
    assert not (ROOT / "twisted/__init__.py").exists()
    assert not (ROOT / "twisted/plugins/__init__.py").exists()


def test_the_wheel_has_the_plugins_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "twisted/plugins/vdproxy_service.py" in names
    assert "twisted/plugins/vdproxy_builtin.py" in names
    assert "vdproxy/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"twisted", "vdproxy"}
    assert not [name for name in names if "dropin.cache" in name]
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "vdproxy").rglob("*.py")}
    assert sources <= set(names)


def test_the_source_distribution_can_be_built_and_tested_from(dists):
    (sdist,) = dists.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "CHANGES.md", "Makefile", "pyproject.toml"} <= names
    assert {"etc/vm.ini", "tests/install-peers", "docs/protocol-support.md"} <= names
    assert not [name for name in names if "dropin.cache" in name]


def test_twistd_lists_vdproxy_from_anywhere(installed):
    assert "  vdproxy  " in run(installed / "twistd", "--help")


def test_the_command_finds_the_plugins(installed):
    listed = run(installed / "vdproxy", "plugins")
    for name in ("capabilities", "monitors", "vdi"):
        assert f" {name} " in listed


def test_it_serves(installed, tmp_path):
    with (
        Vdproxy(tmp_path, INI, bin=installed),
        RawClient.connect(tmp_path / "clients.sock") as client,
    ):
        assert isinstance(client.receive(), AnnounceCapabilities)


def test_looking_for_plugins_does_not_load_them(from_wheel):
    script = (
        "import sys; from twisted.plugin import IPlugin, getPlugins;"
        "list(getPlugins(IPlugin)); assert 'vdproxy.interfaces' in sys.modules;"
        "assert not {'vdproxy.api', 'vdproxy.hub', 'vdproxy.wire'} & set(sys.modules)"
    )
    run(from_wheel / "python", "-c", script)
    run(from_wheel / "python", "-c", script)
