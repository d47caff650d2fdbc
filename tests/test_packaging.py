"""What is installed is found, wherever it is installed from and used."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.peers.daemon import Vdproxy
from tests.peers.rawclient import RawClient
from vdproxy.wire.messages import AnnounceCapabilities

ROOT = Path(__file__).parent.parent

INI = """
[vm:packaged]
guest = simulated:
clients = vdi unix:clients.sock
"""


def run(*command, cwd="/", timeout=300):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the files that belong to the project, without what was built."""
    copy = tmp_path_factory.mktemp("checkout")
    listed = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT)
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def dists(checkout):
    """The folder with the wheel and the source distribution."""
    run(sys.executable, "-m", "build", "--outdir", checkout / "dist", cwd=checkout)
    return checkout / "dist"


def install(where, *what):
    run(sys.executable, "-m", "venv", where)
    run(where / "bin/python", "-m", "pip", "install", "--quiet", *what)
    return where / "bin"


@pytest.fixture(scope="module")
def from_wheel(dists, tmp_path_factory):
    (wheel,) = dists.glob("*.whl")
    return install(tmp_path_factory.mktemp("wheel") / "venv", wheel)


@pytest.fixture(scope="module")
def from_checkout(checkout, tmp_path_factory):
    where = tmp_path_factory.mktemp("editable") / "venv"
    return install(where, "--editable", checkout)


@pytest.fixture(params=["from_wheel", "from_checkout"])
def installed(request):
    return request.getfixturevalue(request.param)


def test_no_package_file_hides_twisted_or_its_plugins():
    assert not (ROOT / "twisted/__init__.py").exists()
    assert not (ROOT / "twisted/plugins/__init__.py").exists()


def test_the_wheel_has_the_plugins_and_no_tests(dists):
    (wheel,) = dists.glob("*.whl")
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
