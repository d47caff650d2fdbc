"""What the audit filter writes about a decision, and about which."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from twisted.logger import LogLevel
from zope.interface.verify import verifyObject

from tests.filters.audits import (
    CI,
    GUEST,
    START,
    TEXT,
    VIEWER,
    AloneVM,
    of_audit,
    refused,
    sent,
)
from vdproxy.api import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    Decision,
    FileXferData,
    IAuditFilter,
    Message,
    MouseState,
    Unknown,
)
from vdproxy.filters.audit import Options
from vdproxy.testing import logged

NOBODY = {
    "source": None,
    "source_frontend": None,
    "source_uid": None,
    "target": None,
    "target_frontend": None,
    "target_uid": None,
}
FROM_CI = {"source": "ci#3", "source_frontend": "vdi", "source_uid": 1000}
TO_CI = {"target": "ci#3", "target_frontend": "vdi", "target_uid": 1000}
FROM_GUEST = {"source": "guest", "source_frontend": None, "source_uid": None}
TO_GUEST = {"target": "guest", "target_frontend": None, "target_uid": None}


@dataclass(frozen=True)
class OwnClipboard(Message):
    """A third party's own class for clipboard data."""

    words: str

    number: ClassVar[int] = 4


@dataclass(frozen=True)
class Odd(Message):
    """A third party's own message type."""

    size: str

    number: ClassVar[int] = 200


@pytest.fixture
def vm(tmp_path):
    return AloneVM(Options(tmp_path / "audit.json"))


def told(vm, *decisions):
    """Return what is logged of these decisions, an event each."""
    with logged() as events:
        for decision in decisions:
            vm.audit.decided(decision)
    return of_audit(events)


def test_it_is_an_audit_filter_that_lets_everything_pass(vm):
    assert verifyObject(IAuditFilter, vm.audit)
    assert vm.audit.incoming(CI, TEXT) is None
    assert vm.audit.outgoing(GUEST, TEXT) is None


@pytest.mark.parametrize(
    ("source", "target", "fields"),
    [
        (GUEST, CI, {"direction": "from-guest", **FROM_GUEST, **TO_CI}),
        (CI, GUEST, {"direction": "to-guest", **FROM_CI, **TO_GUEST}),
        (
            VIEWER,
            CI,
            {
                "direction": "between-clients",
                "source": "spice#4",
                "source_frontend": "spice",
                "source_uid": None,
                **TO_CI,
                "client": "spice#4",
            },
        ),
        (None, CI, {"direction": "to-client", **NOBODY, **TO_CI}),
        (None, GUEST, {"direction": "to-guest", **NOBODY, **TO_GUEST, "client": None}),
    ],
)
def test_a_hand_over_says_who_gave_what_to_whom(vm, source, target, fields):
    (event,) = told(vm, sent(TEXT, target, source))
    told_fields = {
        "vm": "fedora",
        "event": "clipboard",
        "client": "ci#3",
        "message": "VD_AGENT_CLIPBOARD",
        "type": "text",
        "selection": "clipboard",
        "size": 16,
        "verdict": "passed",
        "filter": None,
        "reason": None,
        **fields,
    }
    assert told_fields.items() <= event.items()
    assert event["log_level"] is LogLevel.info
    (record,) = vm.records()
    time = datetime.fromisoformat(record.pop("time"))
    assert record == told_fields
    assert time.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - time) < timedelta(minutes=1)


def test_a_line_can_be_read(vm):
    with logged() as events:
        vm.audit.decided(sent(TEXT, CI, GUEST))
        vm.audit.decided(refused(START, "in", CI))
    assert events.texts == [
        "fedora: clipboard direction='from-guest' source='guest' target='ci#3' "
        "target_frontend='vdi' target_uid=1000 client='ci#3' "
        "message='VD_AGENT_CLIPBOARD' type='text' selection='clipboard' size=16 "
        "verdict='passed'",
        "fedora: refusal direction='from-client' source='ci#3' "
        "source_frontend='vdi' source_uid=1000 client='ci#3' "
        "message='VD_AGENT_FILE_XFER_START' size=4096 verdict='refused' "
        "filter='policy' reason='files is no'",
    ]


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (1, "text"),
        (2, "png"),
        (3, "bmp"),
        (4, "tiff"),
        (5, "jpg"),
        (6, "file-list"),
        (77, "77"),
    ],
)
def test_clipboard_types_have_the_names_of_the_configuration(vm, number, name):
    (event,) = told(vm, sent(replace(TEXT, type=number), CI, GUEST))
    assert event["type"] == name


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, "clipboard"), (1, "primary"), (2, "secondary"), (9, "9")],
)
def test_selections_have_the_names_of_the_configuration(vm, number, name):
    (event,) = told(vm, sent(replace(TEXT, selection=number), CI, GUEST))
    assert event["selection"] == name


def test_a_file_says_who_sends_how_much(vm):
    (event,) = told(vm, sent(START, GUEST, CI))
    fields = {
        "event": "file",
        "direction": "to-guest",
        **FROM_CI,
        **TO_GUEST,
        "client": "ci#3",
        "message": "VD_AGENT_FILE_XFER_START",
        "size": 4096,
        "verdict": "passed",
    }
    assert fields.items() <= event.items()


def test_data_that_call_themselves_nothing_are_handed_over_all_the_same(vm):
    (line,) = told(vm, sent(Clipboard(0, 0, b"none all the same"), CI, GUEST))
    assert (line["event"], line["type"], line["size"]) == ("clipboard", "0", 17)


@pytest.mark.parametrize(
    "decision",
    [
        sent(Clipboard(0, 0, b""), CI, GUEST),
        sent(Clipboard(0, 1, b""), CI, GUEST),
        sent(ClipboardGrab(0, (1,)), CI, GUEST),
        sent(FileXferData(1, b"data"), GUEST, CI),
        sent(MouseState(1, 2, 0, 0), GUEST, CI),
        sent(Unknown(99, b"?"), GUEST, CI),
        Decision("in", GUEST, TEXT, "passed"),
        Decision("in", CI, START, "passed"),
        Decision("out", CI, Clipboard(0, 0, b""), "answered", None, "policy", "no"),
        Decision("out", GUEST, ClipboardRelease(0), "answered", CI, "policy", "no"),
    ],
)
def test_nothing_else_is_worth_a_line(vm, decision):
    assert told(vm, decision) == []
    assert not vm.options.file.exists()


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (TEXT, {"type": "text", "selection": "clipboard", "size": 16}),
        (ClipboardRequest(1, 2), {"type": "png", "selection": "primary"}),
        (ClipboardGrab(0, (1, 2, 88)), {"type": "text,png,88", "size": None}),
        (ClipboardGrab(2, ()), {"type": None, "selection": "secondary"}),
        (ClipboardRelease(0), {"type": None, "selection": "clipboard"}),
        (START, {"message": "VD_AGENT_FILE_XFER_START", "size": 4096}),
        (FileXferData(1, b"abc"), {"message": "VD_AGENT_FILE_XFER_DATA", "size": 3}),
        (MouseState(1, 2, 0, 0), {"message": "VD_AGENT_MOUSE_STATE", "size": None}),
        (AnnounceCapabilities(1, (5,)), {"type": None, "size": None}),
        (Unknown(4, b"bad"), {"message": "VD_AGENT_CLIPBOARD", "size": 3}),
        (Unknown(4, b""), {"message": "VD_AGENT_CLIPBOARD", "size": None}),
        (Odd("large"), {"message": "type 200", "size": None}),
        (OwnClipboard("x"), {"message": "VD_AGENT_CLIPBOARD", "size": None}),
    ],
)
def test_a_refusal_says_what_by_whom_and_why(vm, message, fields):
    (event,) = told(vm, refused(message, "in", CI))
    always = {
        "event": "refusal",
        "verdict": "refused",
        "filter": "policy",
        "reason": "files is no",
        "direction": "from-client",
        **NOBODY,
        **FROM_CI,
    }
    assert (always | fields).items() <= event.items()
    (record,) = vm.records()
    assert (always | fields).items() <= record.items()


@pytest.mark.parametrize(
    ("decision", "fields"),
    [
        (
            refused(TEXT, "in", GUEST),
            {"direction": "from-guest", **NOBODY, **FROM_GUEST, "client": None},
        ),
        (
            refused(TEXT, "out", CI, GUEST),
            {"direction": "from-guest", **FROM_GUEST, **TO_CI, "client": "ci#3"},
        ),
        (
            refused(TEXT, "out", GUEST, CI),
            {"direction": "to-guest", **FROM_CI, **TO_GUEST, "client": "ci#3"},
        ),
        (
            refused(AnnounceCapabilities(1, ()), "out", CI),
            {"direction": "to-client", **NOBODY, **TO_CI, "client": "ci#3"},
        ),
    ],
)
def test_a_refusal_says_of_the_ends_what_is_known(vm, decision, fields):
    (event,) = told(vm, decision)
    assert fields.items() <= event.items()


def test_what_vdproxy_itself_refuses_has_no_filter(vm):
    (event,) = told(
        vm, Decision("in", CI, Unknown(4, b""), "dropped", None, "", "over max-message")
    )
    assert (event["filter"], event["reason"]) == (None, "over max-message")


def test_data_that_no_filter_was_asked_about_are_a_hand_over(vm):
    (event,) = told(vm, Decision("out", CI, TEXT, "answered", GUEST, "policy", "no"))
    fields = {
        "event": "clipboard",
        "direction": "from-guest",
        "size": 16,
        "verdict": "answered",
        "filter": "policy",
        "reason": "no",
    }
    assert fields.items() <= event.items()


def test_data_in_a_class_of_a_third_party_is_a_hand_over(vm):
    (event,) = told(vm, sent(OwnClipboard("secret"), CI, GUEST))
    assert (event["event"], event["size"], event["type"]) == ("clipboard", None, None)


@pytest.mark.parametrize("reason", ["a\nb", "a\rb", "\x1b[2J", "a\u2028b", "\udc80"])
def test_a_reason_stays_on_its_line(vm, reason):
    with logged() as events:
        vm.audit.decided(refused(START, "in", CI, reason=reason))
    (line,) = events.texts
    assert line.isprintable()
    (json_line,) = vm.options.file.read_bytes().splitlines()
    assert json.loads(json_line)["reason"] == reason


@pytest.mark.parametrize("reason", [b"bytes", 5, object()])
def test_a_reason_that_is_no_text_takes_no_line_away(vm, reason):
    (event,) = told(vm, refused(START, "in", CI, reason=reason))
    assert event["reason"] is reason
    assert len(vm.records()) == 1


def test_neither_content_nor_a_files_name_is_told(vm):
    messages = [
        TEXT,
        START,
        FileXferData(1, b"secret"),
        Unknown(4, b"secret"),
        OwnClipboard("secret"),
        Odd("secret"),
    ]
    with logged() as events:
        for message in messages:
            vm.audit.decided(sent(message, CI, GUEST))
            vm.audit.decided(refused(message, "in", CI))
    assert len(of_audit(events)) == 10
    assert "secret" not in events.all_there_is
    assert b"secret" not in vm.options.file.read_bytes()


def test_without_a_file_there_is_the_log_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(told(AloneVM(), sent(TEXT, CI, GUEST))) == 1
    assert list(tmp_path.iterdir()) == []
