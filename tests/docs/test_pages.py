"""Every code block of the documents is run, and shown to say what is so."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.docs.runner import run_page
from tests.packaging import ROOT, copy_checkout, environment
from tests.peers.programs import find_program

README = (ROOT / "README.md").read_text()
PAGES = sorted((ROOT / "docs").rglob("*.md"))

#: The tests cannot run themselves, so that this tells of them what would be run.
TESTS = {"$ make test\n": "$ make --dry-run test >dry-run\n"}

#: The other way round: QEMU connects to vdproxy.
ROLES = {"server=on,wait=off": "server=off,reconnect=1", "guest = ": "guest-listen = "}


@pytest.fixture
def here(tmp_path):
    """What stands for the rest of a machine, and for folders that are anywhere."""
    for name in ("qemu", "clients"):
        (tmp_path / name).mkdir()
    qemu = find_program("qemu-system-x86_64", "qemu-system-x86")
    return {
        "qemu-system-x86_64 …": f"{qemu} -M q35,accel=tcg -S -nodefaults -display none",
        "/run/qemu/fedora": str(tmp_path / "qemu"),
        "/run/vdproxy": str(tmp_path / "clients"),
    }


def replaced(page, *stand_ins):
    """Put what can be run here for what cannot, all of which must be there."""
    for what, instead in (item for items in stand_ins for item in items.items()):
        assert what in page
        page = page.replace(what, instead)
    return page


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_as_it_says(path, wheel, from_wheel, tmp_path, reactor):
    shutil.copy(wheel, tmp_path)
    run_page(path.read_text(), tmp_path, from_wheel, reactor)


def test_the_readme_is_as_it_says_from_a_fresh_checkout(here, tmp_path, reactor):
    page = replaced(README, here, TESTS)
    folder = copy_checkout(tmp_path / "vdproxy")
    run_page(page, folder, environment(tmp_path / "venv"), reactor)
    assert "-m pytest" in (folder / "dry-run").read_text()


def test_qemu_may_do_the_connecting(here, from_wheel, tmp_path, reactor):
    section = README.partition("## With QEMU\n")[2].partition("\n## ")[0]
    for role in ROLES.values():
        assert role.strip() in section
    page = replaced(section, here, ROLES)
    run_page(page, tmp_path, from_wheel, reactor)


def test_a_change_must_pass_what_the_readme_tells_to_run():
    assert "$ make test\n" in README
    assert re.search(r"^make test$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
