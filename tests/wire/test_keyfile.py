from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.strategies import file_names
from vdproxy.errors import RemoteProtocolError
from vdproxy.wire.messages.keyfile import (
    escape,
    format_group,
    parse_group,
    unescape,
)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("[g]\nname=a\nsize=5\n", {"name": "a", "size": "5"}),
        ("[g]\nname=a\nsize=5", {"name": "a", "size": "5"}),
        ("[g]\r\nname=a\r\nsize=5\r\n", {"name": "a", "size": "5"}),
        ("\n\n# a comment\n[g]\n  \n#name=b\nname=a\n\n", {"name": "a"}),
        ("  [g]  \n\tname =\t a b \n", {"name": "a b "}),
        ("[g]\nname=a=b\n", {"name": "a=b"}),
        ("[g]\nname=\n", {"name": ""}),
        ("[g]\nname=[x]\n", {"name": "[x]"}),
        ("[g]\nname=a # b\n", {"name": "a # b"}),
        ("[g]\nname=a\nname=b\n", {"name": "b"}),
        ("[g]\nname=a\n[g]\nsize=5\n", {"name": "a", "size": "5"}),
        ("[f]\nname=x\n[g]\nname=a\n[h]\nname=y\n", {"name": "a"}),
        ("[g]\nname[de]=b\nname=a\n", {"name[de]": "b", "name": "a"}),
        ("[g]\nname=a\u2028b\x0b\x0c\x85c\n", {"name": "a\u2028b\x0b\x0c\x85c"}),
        ("[g]\nname=a\\nb\\sc\n", {"name": "a\\nb\\sc"}),
        ("[g]\n", {}),
        ("[f]\nname=x\n", {}),
        ("", {}),
    ],
)
def test_the_keys_of_a_group(text, keys):
    assert parse_group(text, "g") == keys


@pytest.mark.parametrize(
    "text",
    [
        "garbage",
        "[g]\ngarbage\n",
        "[g]\nname=a\ngarbage",
        "name=a\n[g]\n",
        "=",
        "[g\nname=a\n",
        "[g]x\nname=a\n",
        "[g]\n=a\n",
        "\x7fELF\n",
    ],
)
def test_a_line_that_is_no_group_and_no_key_is_refused(text):
    with pytest.raises(RemoteProtocolError, match="key file"):
        parse_group(text, "g")


def test_a_group_is_written_as_it_is_read():
    text = format_group("g", {"name": "a b", "size": "5"})
    assert text == "[g]\nname=a b\nsize=5\n"
    assert parse_group(text, "g") == {"name": "a b", "size": "5"}


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("a.txt", "a.txt"),
        ("", ""),
        ("a b", "a b"),
        (" a", "\\sa"),
        ("   ", "\\s\\s\\s"),
        ("a ", "a "),
        ("\ta", "\\ta"),
        (" \t a", "\\s\\t a"),
        ("a\nb\rc", "a\\nb\\rc"),
        ("a\\b", "a\\\\b"),
        ("\\n", "\\\\n"),
        ("\\\n", "\\\\\\n"),
        ("\\\\s", "\\\\\\\\s"),
        ("ä=#[];ß", "ä=#[];ß"),
    ],
)
def test_a_value_is_escaped_as_a_key_file_holds_it(value, escaped):
    assert escape(value) == escaped
    assert unescape(escaped) == value


@pytest.mark.parametrize(
    ("escaped", "value"), [("a\\sb", "a b"), ("\\t\\r\\n", "\t\r\n"), ("a\tb", "a\tb")]
)
def test_escapes_that_need_not_be_there_are_undone_too(escaped, value):
    assert unescape(escaped) == value


@pytest.mark.parametrize("escaped", ["\\", "a\\", "\\q", "\\\\\\", "\\ ", "\\x41"])
def test_an_escape_that_does_not_exist_is_refused(escaped):
    with pytest.raises(RemoteProtocolError, match="escape"):
        unescape(escaped)


@given(value=file_names)
@settings(deadline=None, max_examples=300)
def test_any_value_survives_the_way_there_and_back(value):
    text = format_group("g", {"name": escape(value), "size": "5"})
    assert text.count("\n") == 3
    keys = parse_group(text, "g")
    assert unescape(keys["name"]) == value
    assert keys["size"] == "5"


@given(text=st.text(st.sampled_from("[]g=#\\ns \t\n\0"), max_size=30))
@settings(deadline=None, max_examples=300)
def test_any_text_is_refused_or_can_be_written_and_read_again(text):
    try:
        keys = parse_group(text, "g")
    except RemoteProtocolError:
        return
    assert parse_group(format_group("g", keys), "g") == keys
