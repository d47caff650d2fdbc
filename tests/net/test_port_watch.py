"""What QMP tells of the guest's port: found, watched, doubted, lost and met again."""

from __future__ import annotations

import pytest
from twisted.internet.error import ConnectError
from twisted.internet.task import Clock

from tests.net.connections import Endpoint, advance_until
from tests.net.model_qemu import NAMED, UNNAMED, ModelQEMU
from tests.support import new_hub
from vdproxy.net.port_watch import PortWatch


class News:
    """Writes down what it is told."""

    def __init__(self):
        self.told = []

    def port_opened(self):
        self.told.append("opened")

    def port_closed(self):
        self.told.append("closed")

    def vm_stopped(self):
        self.told.append("stopped")

    def vm_resumed(self):
        self.told.append("resumed")

    def taken(self):
        """Return what was told since this was last asked."""
        told, self.told = self.told, []
        return told


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def hub(clock):
    return new_hub(clock)


@pytest.fixture
def endpoint(clock):
    return Endpoint(clock)


@pytest.fixture
def news():
    return News()


@pytest.fixture
def watch(hub, endpoint, news):
    return PortWatch(hub, endpoint, "unix:qmp.sock", news)


@pytest.fixture
def connect(watch, endpoint, clock):
    """Have the watch connected, at first or again; return the QEMU it has met."""

    def connect():
        known = len(endpoint.opened)
        if known:
            advance_until(clock, lambda: len(endpoint.opened) > known)
        else:
            watch.start()
        return ModelQEMU(*endpoint.opened[-1])

    return connect


@pytest.fixture
def qemu(connect, news):
    """A QEMU whose port is open, and of which all is known."""
    qemu = connect()
    qemu.open = True
    qemu.greet()
    qemu.serve()
    assert news.taken() == []
    return qemu


def trouble(log):
    return log.of("no news of the guest's port from QMP unix:qmp.sock: ")


def test_it_finds_the_port_and_asks_how_it_and_the_vm_are(connect, news, log):
    qemu = connect()
    qemu.open = True
    assert qemu.unanswered == []
    qemu.greet()
    assert qemu.answer() == "qmp_capabilities"
    assert qemu.unanswered == [["qom-list", NAMED]]
    assert qemu.answer() == "qom-list"
    assert qemu.unanswered == [["qom-get", f"{NAMED}/other", "name"]]
    assert qemu.answer() == "qom-get"
    assert qemu.unanswered == [["qom-get", f"{NAMED}/vdport", "name"]]
    assert qemu.answer() == "qom-get"
    assert qemu.unanswered == [["qom-get", f"{NAMED}/vdport", "chardev"]]
    assert qemu.serve() == ["qom-get", "query-status", "query-chardev"]
    assert news.taken() == []
    assert log.of("QMP") == [
        "demo: watching the guest's port vdport through QMP unix:qmp.sock"
    ]


@pytest.mark.parametrize(
    ("running", "opened", "told"),
    [
        (True, True, []),
        (True, False, ["closed"]),
        (False, True, ["stopped"]),
        (False, False, ["stopped", "closed"]),
    ],
)
def test_on_connecting_it_tells_what_is_not_as_it_should_be(
    connect, news, running, opened, told
):
    qemu = connect()
    qemu.running, qemu.open = running, opened
    qemu.greet()
    qemu.serve()
    assert news.taken() == told


def test_a_port_that_opens_is_told_at_once(qemu, news):
    qemu.event("VSERPORT_CHANGE", id="vdport", open=True)
    assert news.taken() == ["opened"]
    assert qemu.unanswered == []


def test_a_port_that_closes_is_told_when_query_chardev_says_so(qemu, news):
    """H32."""
    qemu.open = False
    qemu.event("VSERPORT_CHANGE", id="vdport", open=False)
    assert news.taken() == []
    assert qemu.serve() == ["query-status", "query-chardev"]
    assert news.taken() == ["closed"]
    qemu.event("VSERPORT_CHANGE", id="vdport", open=True)
    assert news.taken() == ["opened"]


def test_a_port_that_is_open_again_has_been_opened(qemu, news):
    qemu.event("VSERPORT_CHANGE", id="vdport", open=False)
    qemu.serve()
    assert news.taken() == ["opened"]
    qemu.event("RESET", guest=True, reason="guest-reset")
    qemu.serve()
    assert news.taken() == ["opened"]


def test_an_opening_that_was_found_is_not_told_again_when_qemu_tells_of_it(
    qemu, news, clock
):
    """H32: the event of it may be a second late."""
    qemu.event("VSERPORT_CHANGE", id="vdport", open=False)
    qemu.serve()
    assert news.taken() == ["opened"]
    clock.advance(1)
    qemu.event("VSERPORT_CHANGE", id="vdport", open=True)
    assert news.taken() == []
    clock.advance(1)
    qemu.event("VSERPORT_CHANGE", id="vdport", open=True)
    assert news.taken() == ["opened"]


def test_a_reset_has_it_ask(qemu, news):
    qemu.open = False
    qemu.event("RESET", guest=False, reason="host-qmp-system-reset")
    assert news.taken() == []
    assert qemu.serve() == ["query-status", "query-chardev"]
    assert news.taken() == ["closed"]


def test_what_happens_during_a_question_has_it_ask_once_more(qemu, news):
    qemu.event("VSERPORT_CHANGE", id="vdport", open=False)
    for _ in range(5):
        qemu.event("RESET", guest=True, reason="guest-reset")
    assert qemu.unanswered == [["query-status"]]
    assert qemu.answer() == "query-status"
    qemu.event("RESET", guest=True, reason="guest-reset")
    assert qemu.answer() == "query-chardev"
    assert news.taken() == []
    qemu.open = False
    assert qemu.serve() == ["query-status", "query-chardev"]
    assert news.taken() == ["closed"]
    assert qemu.unanswered == []


def test_an_opening_during_a_question_is_told_once(qemu, news):
    qemu.event("VSERPORT_CHANGE", id="vdport", open=False)
    qemu.event("VSERPORT_CHANGE", id="vdport", open=True)
    qemu.serve()
    assert news.taken() == ["opened"]


def test_a_reset_while_the_port_is_looked_for_is_not_forgotten(connect, news):
    qemu = connect()
    qemu.open = True
    qemu.greet()
    qemu.answer()
    qemu.event("VSERPORT_CHANGE", id="vdport", open=True)
    qemu.event("RESET", guest=True, reason="guest-reset")
    qemu.serve()
    assert news.taken() == ["opened"]


@pytest.mark.parametrize("opened", [True, False])
def test_of_other_ports_nothing_is_told(qemu, news, opened):
    qemu.event("VSERPORT_CHANGE", id="other", open=opened)
    assert (news.taken(), qemu.unanswered) == ([], [])


@pytest.mark.parametrize(
    ("stops", "goes_on"), [("STOP", "RESUME"), ("SUSPEND", "WAKEUP")]
)
def test_a_vm_that_stops_and_goes_on_is_told_once_each(qemu, news, stops, goes_on):
    qemu.event(goes_on)
    assert news.taken() == []
    qemu.event(stops)
    qemu.event(stops)
    assert news.taken() == ["stopped"]
    qemu.event(goes_on)
    assert news.taken() == ["resumed"]


def test_a_vm_that_turns_out_to_run_is_told(qemu, news):
    qemu.event("STOP")
    qemu.event("RESET", guest=True, reason="guest-reset")
    qemu.serve()
    assert news.taken() == ["stopped", "resumed", "opened"]


def test_the_end_of_qmp_is_the_end_of_what_is_known_of_a_stopped_vm(
    qemu, endpoint, news
):
    qemu.event("STOP")
    endpoint.lose()
    assert news.taken() == ["stopped", "resumed"]


def test_a_port_that_has_opened_while_qmp_was_away_is_told(
    qemu, endpoint, connect, news
):
    qemu.open = False
    qemu.event("RESET", guest=True, reason="guest-reset")
    qemu.serve()
    endpoint.lose()
    assert news.taken() == ["closed"]
    qemu = connect()
    qemu.open = True
    qemu.greet()
    qemu.serve()
    assert news.taken() == ["opened"]


def test_a_port_that_was_closed_from_the_beginning_may_open_while_qmp_is_away(
    connect, endpoint, news
):
    for opened, told in [(False, "closed"), (True, "opened")]:
        qemu = connect()
        qemu.open = opened
        qemu.greet()
        qemu.serve()
        endpoint.lose()
        assert news.taken() == [told]


def test_a_closing_that_was_not_asked_about_is_not_forgotten(
    qemu, endpoint, connect, news
):
    qemu.event("VSERPORT_CHANGE", id="vdport", open=False)
    endpoint.lose()
    qemu = connect()
    qemu.open = True
    qemu.greet()
    qemu.serve()
    assert news.taken() == ["opened"]


def test_a_port_that_is_still_open_is_not_told_again(qemu, endpoint, connect, news):
    qemu.event("VSERPORT_CHANGE", id="vdport", open=True)
    endpoint.lose()
    assert news.taken() == ["opened"]
    qemu = connect()
    qemu.open = True
    qemu.greet()
    qemu.serve()
    assert news.taken() == []


def test_a_shutdown_is_logged_with_its_reason(qemu, news, log):
    qemu.event("SHUTDOWN", guest=True, reason="guest-\nshutdown")
    assert log.of("shuts down") == ["demo: the VM shuts down: guest-\\nshutdown"]
    assert news.taken() == []


@pytest.mark.parametrize("event", ["POWERDOWN", "BLOCK_JOB_READY", "RTC_CHANGE"])
def test_other_events_are_nothing_to_it(qemu, news, event):
    qemu.event(event, offset=3)
    assert (news.taken(), qemu.unanswered) == ([], [])


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
