"""Which blocks a page may have: those that something checks."""

from __future__ import annotations

import pytest

from tests.docs.blocks import PageError, read_blocks


def fenced(info, *lines):
    return "\n".join([f"```{info}", *lines, "```", ""])


USED = fenced("console", "$ true")


def test_blocks_are_read_with_what_is_around_them():
    page = [
        "# A page",
        "1. Write `vm.ini`:",
        "",
        "   ```ini",
        "   [vm:demo]",
        "     guest = simulated:",
        "   ```",
        "",
        "## Run it, and not `vm.ini`:",
        "Prose.",
        fenced("console running", "$ true"),
    ]
    file, commands = read_blocks("\n".join(page))
    assert (file.line, file.language, file.name) == (4, "ini", "vm.ini")
    assert file.text == "[vm:demo]\n  guest = simulated:\n"
    assert (commands.language, commands.running) == ("console", True)
    assert (file.section, commands.section) == (0, 1)


def test_a_file_is_named_right_before_it_and_by_its_kind():
    apart = "`vm.ini`:\n\nProse.\n" + fenced("ini", "a")
    other = "`vm.options`:\n" + fenced("ini", "a")
    second = "`vm.ini`:\n" + fenced("ini", "a") + fenced("ini", "b")
    blocks = read_blocks(apart + other + second + USED)
    assert [block.name for block in blocks] == [None, None, "vm.ini", None, None]


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("Prose.\n\n    make run\n", "line 3: code without a fence"),
        ("Prose.\n\n\tmake run\n", "line 3: code without a fence"),
        ("Prose.\n\n~~~console\n$ true\n~~~\n", "line 3: code without a fence"),
        ("Prose.\n\n<pre>true</pre>\n", "line 3: code without a fence"),
        (fenced("", "make run"), "line 1: unknown language ''"),
        (fenced("bash", "make run"), "line 1: unknown language 'bash'"),
        (fenced("ini running", "[vm:a]"), "line 1: what does 'ini running' mean?"),
        ("Prose.\n```console\n$ true\n", "line 2: the block has no end"),
        (fenced("text", "make run"), "line 1: neither a diagram nor"),
        (USED + fenced("text", "printed"), "line 4: neither a diagram nor"),
        (
            "`a.py`:\n" + fenced("python", "1") + fenced("text", "1") + USED,
            "line 5: neither a diagram nor",
        ),
        (fenced("toml", "a = 1"), "line 1: no file is named before it"),
        ("`a.ini`:\n" + fenced("toml", "a = 1") + USED, "line 2: no file is named"),
        ("`a.py`:\n" + fenced("python", "1"), "line 2: no command comes after a.py"),
        (
            USED + "`a.py`:\n" + fenced("python", "1"),
            "line 5: no command comes after a.py",
        ),
    ],
)
def test_a_block_that_nothing_would_check_is_an_error(page, reason):
    with pytest.raises(PageError) as raised:
        read_blocks(page)
    assert str(raised.value).startswith(reason)


def test_a_continued_paragraph_is_no_code():
    assert read_blocks("* an item\n    that goes on\n") == []


def test_text_is_a_diagram_or_what_python_prints():
    program = fenced("python", "print(1)") + fenced("text", "1")
    blocks = read_blocks(fenced("text", "a ──▶ b") + program)
    assert [block.language for block in blocks] == ["text", "python", "text"]
