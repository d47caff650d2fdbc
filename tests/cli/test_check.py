"""``vdproxy check``: good, bad, and good without effect."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import write
from vdproxy.cli.main import main

GUEST = "[vm:demo]\nguest = simulated:\n"


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Check these texts as a.ini, b.ini and so on; return status, out and err."""
    monkeypatch.chdir(tmp_path)

    def check(*texts):
        arguments = ["check"]
        for name, text in zip("abc", texts, strict=False):
            write(tmp_path, text, f"{name}.ini")
            arguments += ["-c", f"{name}.ini"]
        return (main(arguments), *capsys.readouterr())

    return check


def test_a_good_file_is_said_to_be_good(check):
    assert check(GUEST) == (0, "good: demo\n", "")


def test_several_files_are_checked_together(check):
    assert check(GUEST, "[vm:two]\nguest = simulated:\n") == (
        0,
        "good: demo, two\n",
        "",
    )


def test_what_has_no_effect_is_told_before(check):
    assert check(f"{GUEST}[vdproxy]\nmetrics = unix:m\n") == (
        0,
        "a.ini: [vdproxy] metrics: not in this version, without effect\ngood: demo\n",
        "",
    )


def test_mistakes_are_a_line_each_and_status_1(check):
    assert check(f"{GUEST}max-client = 1\n", "[vm:demo]\nguest = x\n") == (
        1,
        "",
        "b.ini: [vm:demo] stands in a.ini too\n",
    )
    assert check(f"{GUEST}max-client = 1\nmax-clients = no\n") == (
        1,
        "",
        "a.ini: [vm:demo] max-client: unknown key, did you mean max-clients?\n"
        "a.ini: [vm:demo] max-clients: 'no' is not a whole number\n",
    )


def test_nothing_is_opened(check, tmp_path):
    assert check(f"{GUEST}clients = vdi unix:a.sock\n")[0] == 0
    assert not (tmp_path / "a.sock").exists()


def test_the_first_configuration_of_everybody_is_good(check):
    text = (Path(__file__).parents[2] / "etc" / "vm.ini").read_text()
    assert check(text) == (0, "good: demo\n", "")
