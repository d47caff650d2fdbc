"""A page that says what is not so fails, and leaves nothing behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.docs.blocks import PageError
from tests.docs.runner import run_page
from tests.peers.programs import wait_for


def console(*lines, info="console"):
    return "\n".join([f"```{info}", *lines, "```", ""])


def running(*lines):
    return console(*lines, info="console running")


#: Prints, goes on, and says goodbye after Ctrl-C.
WAITER = """`waiter.py`:

```python
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit(print("bye")))
print("up")
while True:
    time.sleep(0.01)
    if sys.argv[1:] and open(sys.argv[1]).read():
        print("told")
        sys.argv.pop()
```

"""


@pytest.fixture
def page(tmp_path, reactor):
    """Runs a page in a folder of its own."""
    return lambda text: run_page(text, tmp_path, Path(sys.executable).parent, reactor)


@pytest.fixture
def fails(page):
    """Runs a page that must fail, and returns why."""

    def run(text):
        with pytest.raises(PageError) as raised:
            page(text)
        return str(raised.value)

    return run


def test_bash_keeps_what_it_keeps_from_block_to_block(page, tmp_path):
    page(
        console("$ mkdir inner", "$ cd inner", "$ a=1")
        + console("$ echo $a; pwd", "1", str(tmp_path / "inner"))
    )


def test_a_command_may_go_on_over_lines(page):
    page(console("$ echo one \\", ">     two", "one two", "$ echo '", "> '", "", ""))


def test_what_is_printed_to_both_outputs_counts(page):
    page(console("$ echo out; echo err >&2; printf end", "out", "err", "end"))


@pytest.mark.parametrize(
    "shown",
    [["two"], [], ["one", "two"], ["one…two"], ["on"], ["…", "two"], ["o.e"], ["ONE"]],
)
def test_other_output_fails(fails, shown):
    assert "it prints:\none\n" in fails(console("$ echo one", *shown))


@pytest.mark.parametrize(
    "shown",
    [["…"], ["1", "…"], ["…", "3"], ["1", "…", "2", "…", "3"], ["…1", "2…", "…3…"]],
)
def test_an_ellipsis_is_any_text_or_any_lines(page, shown):
    page(console("$ seq 3", *shown))


def test_an_ellipsis_in_a_line_stays_in_it(fails):
    assert "it prints:" in fails(console("$ seq 3", "1…3"))


def test_a_command_that_fails_fails(fails):
    assert "status 3 of (exit 3)" in fails(console("$ (exit 3)"))
    assert "status 3 of (exit 3)" in fails(console("$ (exit 3)", "$ true"))


def test_a_command_may_fail_if_the_next_is_about_that(page):
    page(console("$ (exit 3)", "$ echo $?", "3"))


def test_a_shell_that_is_left_fails(fails):
    assert "bash has ended" in fails(console("$ exit"))


def test_nothing_is_read_from_the_terminal(page):
    page(console("$ cat", "$ echo here", "here"))


def test_a_file_is_written_where_the_terminal_is(page, tmp_path):
    page(
        console("$ mkdir inner; cd inner")
        + "Now `deep/a.toml`:\n\n```toml\nword = 1\n```\n"
        + console("$ cat deep/a.toml", "word = 1")
    )
    assert (tmp_path / "inner/deep/a.toml").exists()


@pytest.mark.parametrize("name", ["../a.toml", "/tmp/a.toml"])
def test_a_file_is_not_written_elsewhere(fails, name):
    page = f"`{name}`:\n\n```toml\nword = 1\n```\n" + console("$ true")
    assert f"{name} is elsewhere" in fails(page)


def test_python_is_run_and_prints_the_text_after_it(page, fails):
    program = "```python\nprint('wo' 'rd')\n```\n"
    page(program + "prints\n\n```text\nword\n```\n")
    assert "it prints:\nword\n" in fails(program + "```text\nother\n```\n")
    assert "it prints:\nword\n" in fails(program)
    assert "status 1" in fails("```python\nraise SystemExit(1)\n```\n")


def test_a_configuration_must_be_good(page, fails):
    good = "```ini\n[vm:demo]\nguest = simulated:\n```\n"
    page(good)
    assert "did you mean guest" in fails(good.replace("guest =", "guset ="))


def test_devices_are_held_to_the_schema_of_libvirt(page, fails):
    good = "```xml\n<channel type='unix'>\n<target type='virtio'/>\n</channel>\n```\n"
    page(good)
    assert "validate" in fails(good.replace("type='virtio'", "type='virtue'"))


def test_what_runs_leaves_another_terminal_free(page, tmp_path):
    page(
        WAITER
        + console("$ touch word", "$ mkdir inner", "$ a=1")
        + running("$ python3 waiter.py word", "up")
        + console("$ echo ${a-unset}; pwd; echo 1 >word", "unset", str(tmp_path))
        + console("told")
        + console("^C", "bye", "$ echo $a", "1")
    )


def test_ctrl_c_may_be_shown_at_once(page):
    page(WAITER + console("$ python3 waiter.py", "up", "^C", "bye"))


def test_ctrl_c_leaves_the_terminal_as_it_was(page):
    page(console("$ a=1", "$ echo up; sleep 60", "up", "^C", "$ echo $a", "1"))


def test_what_runs_must_say_what_is_shown(fails):
    page = WAITER + console("$ python3 waiter.py", "up", "^C", "see you")
    assert "it prints:\nbye\n" in fails(page)


@pytest.mark.parametrize("shown", [[], ["one"]])
def test_what_is_to_go_on_may_not_end(fails, shown):
    page = running("$ echo one; sleep 0.1", *shown) + console("$ sleep 0.3")
    assert "it has ended by itself\none\n" in fails(page)


def test_what_is_shown_is_not_waited_for_when_all_has_ended(fails):
    assert "it prints:\none\n" in fails(running("$ echo one", "two"))


def test_what_runs_is_ended_with_its_section(page):
    page(
        WAITER
        + running("$ a=1", "$ python3 waiter.py", "up")
        + "## The next\n\n"
        + console("$ echo $a", "1")
    )


@pytest.mark.parametrize("block", [console("up"), console("^C")])
def test_there_is_no_output_of_what_does_not_run(fails, block):
    assert "nothing is running" in fails(block)


def test_nothing_outlives_its_page(fails, tmp_path):
    page = WAITER + running("$ python3 waiter.py", "up")
    fails(page + console("$ sleep 60 & echo $! >pid", "$ false"))
    pid = (tmp_path / "pid").read_text().strip()
    command = Path(f"/proc/{pid}/cmdline")  # empty of one that nobody has waited for
    wait_for(lambda: not command.exists() or not command.read_bytes(), 5, "end of it")
