"""What configuration and log call the types and selections of the clipboard."""

from __future__ import annotations

from vdproxy.api import ClipboardType, Selection

TYPE_NAMES: dict[int, str] = {
    ClipboardType.VD_AGENT_CLIPBOARD_UTF8_TEXT: "text",
    ClipboardType.VD_AGENT_CLIPBOARD_IMAGE_PNG: "png",
    ClipboardType.VD_AGENT_CLIPBOARD_IMAGE_BMP: "bmp",
    ClipboardType.VD_AGENT_CLIPBOARD_IMAGE_TIFF: "tiff",
    ClipboardType.VD_AGENT_CLIPBOARD_IMAGE_JPG: "jpg",
    ClipboardType.VD_AGENT_CLIPBOARD_FILE_LIST: "file-list",
}
SELECTION_NAMES: dict[int, str] = {
    Selection.VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD: "clipboard",
    Selection.VD_AGENT_CLIPBOARD_SELECTION_PRIMARY: "primary",
    Selection.VD_AGENT_CLIPBOARD_SELECTION_SECONDARY: "secondary",
}
