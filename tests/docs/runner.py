"""
Runs the code blocks of a page, from its first to its last.

For who writes a page:

* Code stands in fences with a language: console, ini, python, toml, cfg, xml, text.
* ``console`` is what a terminal shows: ``$ `` and a command, ``> `` where a command
  goes on over lines, and all that it prints. ``…`` in a line stands for any text, a
  line ``…`` for any lines. A command must succeed, unless the next is about ``$?``.
* What bash keeps it keeps for the whole page: folder, variables, environment.
* In ``console running`` the last command goes on when all that is shown has come.
  Then ``$ `` is typed in another terminal, which begins where the page did. A block
  that begins without ``$ `` is what the running command has printed since. A line
  ``^C`` is Ctrl-C, and what comes after it the last that the command prints. What
  still runs at the end of a section (``##``) gets Ctrl-C.
* A paragraph that ends with a file's name, as in "`vm.ini`:", makes a file of the
  ini, python, toml or cfg block after it, where the first terminal is.
* Any other ``ini`` is a whole configuration, which must be good; any other
  ``python`` a program, and the ``text`` after it what that prints. ``xml`` is a
  device of a libvirt domain. Other ``text`` is a diagram.
* README.md begins in a checkout and an environment without vdproxy; pages of docs/ in
  a folder with nothing but the wheel, with vdproxy installed. Who installs more makes
  an environment: that one is shared.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet.interfaces import IReactorCore

from tests.docs.blocks import Block, PageError, prints, read_blocks
from tests.docs.libvirt import check_devices
from tests.docs.terminal import Terminal
from tests.docs.transcript import ANY, INTERRUPT, read_transcript
from vdproxy.errors import ConfigError
from vdproxy.service.settings import load

#: What a make that runs the tests leaves to those that pages run.
_OF_MAKE = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}


def run_page(page: str, folder: Path, bin: Path, reactor: IReactorCore) -> None:
    """
    Run the blocks of a page in *folder*, with the programs of *bin*.

    :raises PageError: something is not as the page says.
    """
    blocks = read_blocks(page)
    with _Run(folder, bin, reactor) as run:
        for block, following in zip_longest(blocks, blocks[1:]):
            try:
                run.block(block, following)
                if following is None or following.section != block.section:
                    run.end_section()
            except (AssertionError, TimeoutError, ConfigError) as error:
                raise PageError(block.line, error) from error


class _Run(ExitStack):
    def __init__(self, folder: Path, bin: Path, reactor: IReactorCore) -> None:
        super().__init__()
        self._folder = folder
        self._reactor = reactor
        self._logs = Path(self.enter_context(TemporaryDirectory()))
        self._env = {k: v for k, v in os.environ.items() if k not in _OF_MAKE} | {
            "PATH": f"{bin}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONUNBUFFERED": "1",  # as in a terminal
        }
        self._terminals: list[Terminal] = []
        self._running: list[Terminal] = []
        self._open_terminal()

    def block(self, block: Block, following: Block | None) -> None:
        """Run one block."""
        if block.name:
            self._write(block.name, block.text)
        elif block.language == "console":
            self._console(block)
        elif prints(block):
            shown = following.text if following and following.language == "text" else ""
            command = f"python3 <<'END OF BLOCK'\n{block.text}END OF BLOCK"
            self._free_terminal().run(command, shown.splitlines())
        elif block.language == "ini":
            path = self._logs / "block.ini"
            path.write_text(block.text)
            load([str(path)], self._reactor)
        elif block.language == "xml":
            check_devices(block.text)

    def end_section(self) -> None:
        """Press Ctrl-C wherever something runs."""
        while self._running:
            self._running.pop().interrupt([ANY])

    def _write(self, name: str, text: str) -> None:
        path = (self._terminals[0].folder / name).resolve()
        assert path.is_relative_to(self._folder.resolve()), f"{name} is elsewhere"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def _console(self, block: Block) -> None:
        told, commands = read_transcript(block.text)
        if told:
            self._go_on(told)
        for command, following in zip_longest(commands, commands[1:]):
            terminal = self._free_terminal()
            goes_on = block.running and following is None
            if goes_on or INTERRUPT in command.shown:
                terminal.start(command.text)
                self._running.append(terminal)
                self._go_on(command.shown)
            else:
                fails = following is not None and "$?" in following.text
                terminal.run(command.text, command.shown, may_fail=fails)

    def _go_on(self, told: Sequence[str]) -> None:
        assert self._running, "nothing is running"
        if INTERRUPT in told:
            at = told.index(INTERRUPT)
            terminal = self._running.pop()
            terminal.see(told[:at])
            terminal.interrupt(told[at + 1 :])
        else:
            self._running[-1].see(told)

    def _free_terminal(self) -> Terminal:
        for terminal in self._terminals:
            if terminal not in self._running:
                return terminal
        return self._open_terminal()

    def _open_terminal(self) -> Terminal:
        number = len(self._terminals)
        terminal = Terminal(self._folder, self._env, self._logs, number)
        self.callback(terminal.close)
        self._terminals.append(terminal)
        return terminal
