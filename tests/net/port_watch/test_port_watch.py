"""What QMP tells of the guest's port: found, watched, doubted, met again."""

from __future__ import annotations

import pytest

from tests.net.model_qemu import NAMED


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
