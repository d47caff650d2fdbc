"""The project as others get it: a fresh checkout, its wheel, environments."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(*command: object, cwd: Path | str = "/", timeout: float = 300) -> str:
    """Run a command that must succeed and return what it prints."""
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


def copy_checkout(where: Path) -> Path:
    """Copy the files that belong to the project, without what was built."""
    listed = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT)
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, where / name)
    return where


def environment(where: Path, *what: object) -> Path:
    """Make a virtual environment with *what* in it and return its bin folder."""
    run(sys.executable, "-m", "venv", where)
    if what:
        run(where / "bin/python", "-m", "pip", "install", "--quiet", *what)
    return where / "bin"
