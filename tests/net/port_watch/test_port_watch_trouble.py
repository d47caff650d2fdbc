"""What is said of a QMP that does not answer, or not as it should."""

from __future__ import annotations

import pytest
from twisted.internet.error import ConnectError

from tests.net.connections import advance_until
from tests.net.model_qemu import NAMED, UNNAMED


def trouble(log):
    return log.of("no news of the guest's port from QMP unix:qmp.sock: ")


def test_a_vm_without_the_port_is_a_warning_and_watched_all_the_same(
    connect, news, log
):
    qemu = connect()
    del qemu.devices[NAMED]["vdport"]
    qemu.greet()
    assert qemu.serve()[-2:] == ["qom-list", "query-status"]
    assert log.of("QMP") == [
        "demo: QMP unix:qmp.sock: the VM has no virtserialport com.redhat.spice.0"
    ]
    qemu.event("VSERPORT_CHANGE", id="vdport", open=True)
    qemu.event("RESET", guest=True, reason="guest-reset")
    assert qemu.serve() == ["query-status"]
    qemu.event("STOP")
    assert news.taken() == ["stopped"]


def test_a_port_without_id_is_a_warning_and_asked_about(connect, news, log):
    qemu = connect()
    qemu.devices[UNNAMED]["device[0]"] = qemu.devices[NAMED].pop("vdport")
    qemu.greet()
    qemu.serve()
    (line,) = log.of("QMP")
    assert "com.redhat.spice.0 has no id=, without which QEMU does not tell" in line
    assert news.taken() == ["closed"]
    qemu.open = True
    qemu.event("RESET", guest=True, reason="guest-reset")
    qemu.serve()
    assert news.taken() == ["opened"]


REFUSED = {"error": {"class": "GenericError", "desc": "no"}}
STRANGE = {
    "qmp_capabilities": [(REFUSED, "qmp_capabilities refused: GenericError: no")],
    "qom-list": [
        (REFUSED, "qom-list refused: GenericError: no"),
        ({"return": {}}, "qom-list has no list for an answer"),
        ({"return": [5]}, "qom-list has no type, or none of the right kind"),
        (
            {"return": [{"type": "child<virtserialport>"}]},
            "qom-list has no name, or none of the right kind",
        ),
    ],
    "qom-get": [({"return": 5}, "qom-get says of a port's name what is no text")],
    "query-status": [
        ({"return": None}, "query-status has no running, or none of the right kind")
    ],
    "query-chardev": [
        ({"return": {}}, "query-chardev has no list for an answer"),
        ({"return": [[]]}, "query-chardev has no label, or none of the right kind"),
        ({"return": []}, "query-chardev does not know the port's chardev"),
        (
            {"return": [{"label": "charvd", "frontend-open": "yes"}]},
            "query-chardev has no frontend-open, or none of the right kind",
        ),
    ],
}


@pytest.mark.parametrize(
    ("command", "answer", "reason"),
    [(command, *each) for command, list_ in STRANGE.items() for each in list_],
)
def test_a_strange_answer_is_one_line_and_a_new_connection(
    connect, endpoint, log, command, answer, reason
):
    for _ in range(3):
        qemu = connect()
        qemu.answers[command] = answer
        qemu.greet()
        assert qemu.serve()[-1] == command
        assert endpoint.opened[-1][1].disconnected
    (line,) = trouble(log)
    assert line.endswith(reason)


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("VSERPORT_CHANGE", {}),
        ("VSERPORT_CHANGE", {"id": 5, "open": True}),
        ("VSERPORT_CHANGE", {"id": "vdport", "open": "yes"}),
        ("SHUTDOWN", {"reason": ["x"]}),
    ],
)
def test_a_strange_event_is_one_line_and_a_new_connection(
    qemu, connect, endpoint, log, event, data
):
    qemu.event(event, **data)
    assert endpoint.opened[-1][1].disconnected
    (line,) = trouble(log)
    assert f"{event} has no " in line
    connect().greet()


def test_a_kind_of_failure_is_logged_anew_after_all_went_well(connect, endpoint, log):
    for _ in range(2):
        qemu = connect()
        qemu.greet()
        qemu.serve()
        endpoint.lose()
    assert len(trouble(log)) == 2


def test_it_says_that_it_cannot_connect(watch, endpoint, log, clock):
    endpoint.errors = [ConnectError(string="no such file")] * 3
    watch.start()
    advance_until(clock, lambda: endpoint.opened)
    (line,) = log.of("cannot connect")
    assert line.startswith("demo: cannot connect to QMP unix:qmp.sock: ")


def test_the_wait_is_short_only_after_all_went_well(connect, endpoint, clock):
    for _ in range(6):
        connect().greet()
        endpoint.lose()
    waits = [b - a for a, b in zip(endpoint.times, endpoint.times[1:], strict=False)]
    assert waits[-1] > 1.0
    qemu = connect()
    qemu.greet()
    qemu.serve()
    endpoint.lose()
    lost = clock.seconds()
    connect()
    assert endpoint.times[-1] - lost <= 0.151


def test_without_a_greeting_it_says_so_and_waits_on(connect, endpoint, clock, log):
    qemu = connect()
    clock.advance(4.9)
    assert trouble(log) == []
    clock.advance(100)
    (line,) = trouble(log)
    assert line.endswith("no answer yet, as when another program is connected")
    assert len(endpoint.times) == 1
    qemu.greet()
    qemu.serve()
    assert len(log.of("watching")) == 1


def test_a_qemu_that_greets_and_answers_nothing_is_named_as_well(
    connect, endpoint, clock, log
):
    qemu = connect()
    qemu.greet()
    clock.advance(4.9)
    assert trouble(log) == []
    clock.advance(0.2)
    (line,) = trouble(log)
    assert "no answer yet" in line
    qemu.serve()
    assert len(endpoint.opened) == 1, "it may answer later"


def test_with_a_greeting_it_does_not_say_so(qemu, clock, log):
    clock.advance(100)
    assert trouble(log) == []


def test_stopped_it_disconnects_for_good_and_says_nothing(
    qemu, watch, endpoint, hub, clock, news, log
):
    qemu.event("STOP")
    qemu.event("RESET", guest=True, reason="guest-reset")
    watch.stop()
    assert endpoint.opened[0][1].disconnected
    assert news.taken() == ["stopped", "resumed"]
    assert trouble(log) == []
    hub.log.close()
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize("seconds", [1.0, 10.0])
def test_stopped_before_the_greeting_nothing_is_left(
    connect, watch, hub, clock, seconds
):
    connect()
    clock.advance(seconds)
    watch.stop()
    hub.log.close()
    assert clock.getDelayedCalls() == []


def test_stopped_while_it_waits_it_connects_no_more(qemu, watch, endpoint, hub, clock):
    endpoint.lose()
    watch.stop()
    hub.log.close()
    assert clock.getDelayedCalls() == []
