"""
The GLib key file in which a FILE_XFER_START describes its file.

One group, ``[vdagent-file-xfer]``, with a key to a line. Only what that needs
of the format is here.
"""

from __future__ import annotations

from vdproxy.errors import RemoteProtocolError

_BLANKS = " \t"
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNESCAPES = {"s": " ", "n": "\n", "r": "\r", "t": "\t"}


def parse_group(text: str, group: str) -> dict[str, str]:
    """
    Return the keys of *group* with their values, still escaped.

    :raises RemoteProtocolError: a line is neither a group, a key nor a comment.
    """
    keys: dict[str, str] = {}
    current = None
    for full_line in text.split("\n"):
        line = full_line.removesuffix("\r").lstrip(_BLANKS)
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.rstrip(_BLANKS).endswith("]"):
            current = line.rstrip(_BLANKS)[1:-1]
            continue
        key, equals, value = line.partition("=")
        key = key.rstrip(_BLANKS)
        if not key or not equals or key.startswith("[") or current is None:
            raise RemoteProtocolError("key file with a line that is no key")
        if current == group:
            keys[key] = value.lstrip(_BLANKS)
    return keys


def format_group(group: str, keys: dict[str, str]) -> str:
    """Return a key file with one group; values are escaped already."""
    lines = [f"[{group}]", *(f"{key}={value}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"


def escape(value: str) -> str:
    """Return *value* as a key file holds it; GLib drops leading blanks."""
    body = value.lstrip(" ")
    escaped = "".join(_ESCAPES.get(character, character) for character in body)
    return "\\s" * (len(value) - len(body)) + escaped


def unescape(value: str) -> str:
    """
    Return what an escaped value stands for.

    :raises RemoteProtocolError: an escape that GLib does not know.
    """
    first, *rest = value.split("\\\\")
    return "\\".join(_unescape_part(part) for part in (first, *rest))


def _unescape_part(part: str) -> str:
    """Unescape a stretch that has no escaped backslash in it."""
    first, *rest = part.split("\\")
    try:
        return first + "".join(_UNESCAPES[p[0]] + p[1:] for p in rest)
    except (IndexError, KeyError):
        raise RemoteProtocolError("key file with an unknown escape") from None
