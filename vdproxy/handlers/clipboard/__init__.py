"""Clipboard: each selection has one owner, guest or client, and all can paste it."""

from vdproxy.handlers.clipboard.handler import ClipboardOptions as Options
from vdproxy.handlers.clipboard.handler import make

__all__ = ["Options", "make"]
