from __future__ import annotations

import pytest

from tests.link.frames import (
    ANNOUNCE,
    CLIPBOARD,
    LINUX,
    MONITORS_CONFIG,
    REPLY,
    announce,
    bare_grab,
    events_of,
    feed,
    feed_each_way,
    monitors_config,
    numbers,
    reply,
    sent,
    spelled,
)
from tests.wire.decoding import chunk, frame, message
from vdproxy.errors import RemoteProtocolError
from vdproxy.link.client import ClientLink
from vdproxy.link.events import (
    ClientReady,
    ClientRenewed,
    Malformed,
    MessageReceived,
)
from vdproxy.wire.assembly import Assembling
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.chunk import ChunkHeader
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    Clipboard,
    ClipboardGrab,
    MonConfig,
    MonitorsConfig,
    Reply,
    Unknown,
)

OFFER = Capabilities.of(1, 2, 5, 6, 7, 12, 17)
ASKED = announce(1, OFFER.bits)
ANSWERED = announce(0, OFFER.bits)
GTK = Capabilities.of(0, 1, 2, 4, 5, 6, 12, 14, 16, 17).bits
PURE_SPICE = 0x60


def new(codec=None, **options):
    """Return a link that has nothing to offer yet."""
    return ClientLink(codec or Codec(), **options)


def offered(**options):
    """Return a link whose client has been asked."""
    link = new(**options)
    link.offer(OFFER)
    sent(link)
    return link


def ready(word=GTK):
    link = offered()
    feed(link, announce(0, word))
    assert link.ready
    return link


def told(request, *words):
    return AnnounceCapabilities(request, words)


@pytest.mark.parametrize(
    "stream",
    [b"", announce(1, GTK), announce(0, GTK), bare_grab(1), monitors_config()],
    ids=["nothing", "question", "announcement", "grab", "monitors"],
)
def test_nothing_is_sent_before_there_is_something_to_offer(stream):
    outcome = feed_each_way(new, stream)
    assert outcome.sent == b""
    assert ClientReady() not in outcome.events


def test_an_offer_is_a_question():
    link = new()
    link.offer(OFFER)
    assert sent(link) == ASKED
    assert sent(link) == b""
    assert link.offered == OFFER
    assert not link.ready
    assert events_of(link) == []


@pytest.mark.parametrize("port", [1, 2])
def test_an_early_question_is_answered_after_ours_on_the_port_it_came_on(port):
    link = new()
    question = announce(1, GTK, port=port)
    assert feed(link, question) == ([told(1, GTK)], b"")
    link.offer(OFFER)
    assert sent(link) == ASKED + announce(0, OFFER.bits, port=port)
    assert link.ready
    assert events_of(link) == [ClientReady()]


def test_early_questions_have_one_answer_and_no_renewal():
    link = new()
    feed(link, announce(1, GTK), announce(1, PURE_SPICE))
    link.offer(OFFER)
    assert sent(link) == ASKED + ANSWERED
    assert events_of(link) == [ClientReady()]
    assert link.announced == Capabilities(PURE_SPICE)


def test_an_early_announcement_that_asks_nothing_makes_ready_with_the_offer():
    link = new()
    feed(link, announce(0, GTK))
    link.offer(OFFER)
    assert sent(link) == ASKED
    assert events_of(link) == [ClientReady()]


def test_a_client_that_only_answers_becomes_ready():
    outcome = feed_each_way(offered, announce(0, GTK))
    assert outcome == ([told(0, GTK), ClientReady()], b"")


def test_a_client_that_asks_becomes_ready_and_is_answered():
    outcome = feed_each_way(offered, announce(1, GTK))
    assert outcome == ([told(1, GTK), ClientReady()], ANSWERED)


@pytest.mark.parametrize("port", [1, 2])
def test_a_question_is_answered_on_its_port(port):
    outcome = feed_each_way(offered, announce(1, GTK, port=port))
    assert outcome.sent == announce(0, OFFER.bits, port=port)


@pytest.mark.parametrize("words", [(), (0,), (GTK, 1), tuple(range(1, 9))], ids=str)
@pytest.mark.parametrize("request_", [0, 1, 7])
def test_a_client_may_announce_any_number_of_words(request_, words):
    outcome = feed_each_way(offered, announce(request_, *words))
    assert outcome.events == [told(request_, *words), ClientReady()]
    assert outcome.sent == (ANSWERED if request_ else b"")


def test_nine_words_are_over_the_limit():
    link = offered()
    link.receive_data(announce(1, *range(9)))
    with pytest.raises(RemoteProtocolError, match="type 6 with 40 bytes"):
        link.next_event()


def test_a_client_that_asks_and_later_answers_us_is_not_renewed():
    """So does PureSpice: its question and ours cross."""
    link = offered()
    assert feed(link, announce(1, PURE_SPICE)).events[1:] == [ClientReady()]
    assert feed(link, announce(0, PURE_SPICE)) == ([told(0, PURE_SPICE)], b"")
    assert spelled(link, AnnounceCapabilities(0, ())) == announce(0)
    assert link.ready


def test_a_first_question_after_an_answer_is_not_a_renewal():
    outcome = feed_each_way(ready, announce(1, GTK))
    assert outcome == ([told(1, GTK)], ANSWERED)


def test_a_second_question_renews_the_client_and_is_answered():
    def make():
        link = offered()
        feed(link, announce(1, GTK))
        return link

    outcome = feed_each_way(make, announce(1, PURE_SPICE))
    assert outcome.events == [told(1, PURE_SPICE), ClientRenewed(), ClientReady()]
    assert outcome.sent == ANSWERED


def test_each_further_question_renews_the_client_again():
    link = ready()
    outcome = feed(link, *[announce(1, GTK)] * 3)
    assert outcome.events.count(ClientRenewed()) == 2
    assert outcome.events.count(ClientReady()) == 2
    assert outcome.sent == ANSWERED * 3


def test_a_question_before_and_one_after_our_offer_are_a_renewal():
    link = new()
    feed(link, announce(1, GTK))
    link.offer(OFFER)
    events_of(link)
    sent(link)
    outcome = feed(link, announce(1, GTK))
    assert outcome == ([told(1, GTK), ClientRenewed(), ClientReady()], ANSWERED)


def test_an_announcement_that_asks_nothing_only_changes_what_is_announced():
    link = ready()
    assert feed(link, announce(0, 0)) == ([told(0, 0)], b"")
    assert link.announced == Capabilities()
    assert link.ready


def test_the_same_offer_again_says_nothing():
    link = ready()
    link.offer(Capabilities(OFFER.bits))
    assert sent(link) == b""
    assert events_of(link) == []


def test_another_offer_is_another_question_and_its_answer_makes_ready_anew():
    """H2."""
    link = ready()
    link.offer(Capabilities.of(1, 2))
    assert sent(link) == announce(1, 6)
    assert events_of(link) == []
    assert link.ready
    for event in ([ClientReady()], []):
        assert feed(link, announce(0, GTK)) == ([told(0, GTK), *event], b"")


def test_another_offer_to_a_client_that_has_not_answered_is_another_question():
    link = offered()
    link.offer(Capabilities.of(1))
    assert sent(link) == announce(1, 2)
    assert feed(link, announce(0, GTK)).events == [told(0, GTK), ClientReady()]


def test_an_offer_that_is_withdrawn_and_made_again_is_told_both_times():
    link = ready()
    link.offer(Capabilities())
    link.offer(OFFER)
    assert sent(link) == announce(1, 0) + ASKED


@pytest.mark.parametrize("port", [1, 2])
def test_a_reply_goes_out_on_the_port_that_asked(port):
    link = ready()
    feed(link, monitors_config(port=port))
    assert spelled(link, Reply(MONITORS_CONFIG, 1)) == reply(port=port)
    assert spelled(link, Reply(CLIPBOARD, 1)) == reply(to=CLIPBOARD)


def test_a_bad_request_is_replied_to_on_its_port_too():
    link = ready()
    feed(link, frame(MONITORS_CONFIG, b"bad", port=2))
    assert spelled(link, Reply(MONITORS_CONFIG, 2)) == reply(2, port=2)


def test_replies_go_out_on_the_ports_of_their_requests_in_order():
    link = ready()
    feed(link, monitors_config(port=2), monitors_config(port=1))
    assert spelled(link, Reply(MONITORS_CONFIG, 1)) == reply(port=2)
    assert spelled(link, Reply(MONITORS_CONFIG, 1)) == reply(port=1)
    assert spelled(link, Reply(MONITORS_CONFIG, 1)) == reply(port=1)


@pytest.mark.parametrize("per_chunk", [1, 19, 20, 21, 2048])
def test_a_message_is_delivered_in_whatever_chunks_it_comes(per_chunk):
    outcome = feed_each_way(ready, monitors_config(800, 600, per_chunk=per_chunk))
    assert outcome == ([MonitorsConfig(0, (MonConfig(800, 600),))], b"")


def test_messages_are_delivered_before_a_client_is_ready_as_well():
    outcome = feed_each_way(new, frame(1000, b"?") + monitors_config(8, 6))
    assert outcome.events == [
        Unknown(1000, b"?"),
        MonitorsConfig(0, (MonConfig(8, 6),)),
    ]


HOSTILE = {
    "port 0": chunk(message(REPLY, b"?" * 8), port=0),
    "port 9": chunk(message(REPLY, b"?" * 8), port=9),
    "empty chunk": chunk(b""),
    "large chunk": chunk(message(CLIPBOARD), size=2049),
    "protocol 2": chunk(message(REPLY, b"?" * 8, protocol=2)),
    "type 0": chunk(message(0)),
    "reply too large": chunk(message(REPLY, b"?" * 9)),
    "huge message": chunk(message(CLIPBOARD, size=2**32 - 1)),
    "clipboard over the limit": chunk(message(CLIPBOARD, size=109)),
    "data past the message's end": chunk(message(REPLY, b"?" * 9, size=8)),
    "chunk past the message's end": chunk(message(REPLY, b"?", size=8))
    + chunk(b"8" * 8),
}

#: How far into each of them the error stands: behind what could be read.
OFFSETS = dict.fromkeys(HOSTILE, 28) | {
    "port 0": 0,
    "port 9": 0,
    "empty chunk": 0,
    "large chunk": 0,
    "chunk past the message's end": 29,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("one_read", [True, False], ids=["whole", "bytes"])
@pytest.mark.parametrize("behind", [b"", reply()], ids=["alone", "more"])
def test_hostile_framing_is_an_error_that_names_its_offset(name, one_read, behind):
    link = offered(codec=Codec(max_message=100))
    before = announce(1, GTK)
    stream = before + HOSTILE[name] + behind
    pieces = [stream] if one_read else [bytes([byte]) for byte in stream]
    offset = len(before) + OFFSETS[name]
    with pytest.raises(RemoteProtocolError, match=f"at byte {offset}$"):
        feed(link, *pieces)
    assert link.ready, "what came before it was not acted upon"


@pytest.mark.parametrize(
    ("number", "payload"),
    [
        (MONITORS_CONFIG, b"bad"),
        (REPLY, b"?" * 7),
        (ANNOUNCE, b"?" * 6),
        (ANNOUNCE, b""),
        (CLIPBOARD, b"\x09\0\0\0\x01\0\0\0"),
        (CLIPBOARD, b"\x09\0\0\0\x01\0\0\0and data"),
    ],
)
def test_a_bad_payload_is_reported_and_the_stream_goes_on(number, payload):
    outcome = feed_each_way(ready, frame(number, payload) + reply())
    malformed, after = outcome.events
    assert isinstance(malformed, Malformed)
    assert (malformed.number, malformed.payload) == (number, payload)
    assert malformed.reason
    assert after == Reply(2, 1)
    assert outcome.sent == b""


def test_headers_are_reported_where_asked_for():
    def make():
        return offered(report_headers=True)

    stream = frame(REPLY, numbers(2, 1), per_chunk=20) + frame(CLIPBOARD, bytes(9))
    assert feed_each_way(make, stream).events == [
        ChunkHeader(1, 20),
        ChunkHeader(1, 8),
        MessageReceived(REPLY, 8),
        Reply(2, 1),
        ChunkHeader(1, 29),
        MessageReceived(CLIPBOARD, 9),
        Clipboard(0, 0, bytes(5)),
    ]


def test_the_message_that_is_coming_in_can_be_seen():
    link = ready(LINUX)
    assert link.assembling is None
    feed(link, reply()[:-3])
    assert link.assembling == Assembling(REPLY, 5, 8)
    feed(link, reply()[-3:])
    assert link.assembling is None


def test_a_grab_of_a_handlers_own_class_is_told_as_that_class_spells_it():
    class Told(ClipboardGrab):
        """Offers one type more."""

        def encode(self, layout):
            return super().encode(layout) + (99).to_bytes(4, "little")

    link = ClientLink(Codec([Told]))
    write = b"".join(link.encode(Told(0, (1,))))
    assert write.endswith((1).to_bytes(4, "little") + (99).to_bytes(4, "little"))
