"""Verbs, flags and exit statuses of the ``vdproxy`` command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vdproxy import __version__
from vdproxy.cli.main import main


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["check"],
        ["check", "-c"],
        ["check", "-c", "x", "more"],
        ["plugins", "one", "two"],
        ["--nonsense"],
    ],
)
def test_a_command_line_that_means_nothing_is_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "usage: vdproxy" in err


def test_an_unknown_verb_is_named_with_those_there_are(capsys):
    with pytest.raises(SystemExit):
        main(["plugin"])
    line = capsys.readouterr().err.splitlines()[-1]
    for word in ("plugin", "check", "plugins"):
        assert word in line


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as raised:
        main(["--version"])
    assert raised.value.code == 0
    assert capsys.readouterr().out == f"vdproxy {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["check", "-h"], ["plugins", "-h"]])
def test_help_is_status_0(arguments, capsys):
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 0
    assert capsys.readouterr().out.startswith("usage: vdproxy")


@pytest.mark.parametrize(
    "command",
    [
        [str(Path(sys.executable).with_name("vdproxy"))],
        [sys.executable, "-m", "vdproxy.cli.main"],
    ],
)
def test_the_command_is_installed_and_hands_its_status_on(command, tmp_path):
    done = subprocess.run(
        [*command, "check", "-c", "no.ini"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "no.ini: No such file or directory\n",
    )
