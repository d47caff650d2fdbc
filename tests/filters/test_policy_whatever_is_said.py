"""Whatever is said, nothing of a clipboard passes that a policy does not allow."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.filters.judging import MAY_RECEIVE, MAY_SEND
from tests.filters.ruled import DESKS, JPG, PNG, TEXT, Ruled
from tests.wire.decoding import frame
from vdproxy.api import (
    Capabilities,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    MaxClipboard,
)
from vdproxy.filters.policy import Options
from vdproxy.testing import LINUX_AGENT, WINDOWS_AGENT

#: What the client under the policy copies and what others do; JPG is its alone.
OWN, OTHERS = (TEXT, JPG), (TEXT, PNG)

#: Ways, types and sizes that are allowed.
_rules = st.tuples(
    st.sampled_from(["none", "none", "to-guest", "from-guest", "both"]),
    st.sampled_from([("any",), ("text",)]),
    st.sampled_from([None, 6]),
)

_types = st.sampled_from([0, TEXT, PNG, JPG, 6, 77])


def _messages(secret, *types):
    """Return messages about CLIPBOARD, which offer *types* and carry *secret*."""
    offered = st.lists(st.sampled_from(types), max_size=2).map(tuple)
    data = st.sampled_from([b"", secret, secret + b"!!"])
    return st.one_of(
        st.builds(ClipboardGrab, st.just(0), offered),
        st.builds(ClipboardRequest, st.just(0), _types),
        st.builds(Clipboard, st.just(0), _types, data),
        st.just(ClipboardRelease(0)),
        st.builds(MaxClipboard, st.sampled_from([-1, 0, 100])),
    )


_words = st.sampled_from([Capabilities(), *DESKS.values()])
_announcing = st.tuples(st.just("announce"), st.integers(0, 1), _words)
_pasting = st.permutations(["agent", "ruled", "open"]).flatmap(
    lambda names: st.tuples(
        st.just("paste"),
        st.just(names[0]),
        st.just(names[1]),
        st.sampled_from([0, TEXT, PNG]),
        st.sampled_from([b"", b"!!"]).map(lambda end: names[0].encode() + end),
    )
)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("ruled"), _messages(b"ruled", *OWN)),
        st.tuples(st.just("ruled"), _messages(b"ruled", *OWN)),
        st.tuples(st.just("open"), _messages(b"open", *OTHERS)),
        st.tuples(st.just("agent"), _messages(b"agent", *OTHERS)),
        st.tuples(st.just("wait"), st.sampled_from([0.3, 1.0, 3.0])),
        st.tuples(st.just("garble"), st.integers(4, 9)),
        st.tuples(st.just("restart"), st.sampled_from([LINUX_AGENT, WINDOWS_AGENT])),
        _announcing,
        _pasting,
    ),
    max_size=30,
)


class _Ends:
    """The ends of a VM with a client under a policy, and what they have heard."""

    def __init__(self, word, options):
        self.vm = Ruled(ruled=options)
        self.ends = {
            "agent": self.vm.agent,
            "ruled": self.vm.client(word, name="ruled"),
            "open": self.vm.client(),
        }
        self.heard = {name: [] for name in self.ends}
        self.asked = 0

    def paste(self, owner, name, kind, data):
        """Have one end ask for the text of another, which answers as it likes."""
        self.ends[owner].say(ClipboardGrab(0, (TEXT,)))
        self.do(name, ClipboardRequest(0, TEXT))
        self.do(owner, Clipboard(0, kind, data))

    def do(self, step, value, *more):
        ruled = self.ends["ruled"]
        if step == "wait":
            self.vm.advance(value)
        elif step == "paste":
            self.paste(value, *more)
        elif step == "restart":
            self.listen()
            self.vm.agent.start_anew(value)
            for client in (ruled, self.ends["open"]):
                client.announce(0)
        elif step == "announce":
            self.listen()
            (ruled.capabilities,) = more
            ruled.announce(value)
        elif step == "garble":
            # One byte is no payload of a clipboard message but of a RELEASE.
            ruled.feed(frame(value, b"\1"))
            ruled.say(MaxClipboard(-1))
            self.asked += value == ClipboardRequest.number
        else:
            self.ends[step].say(value)
            self.asked += step == "ruled" and isinstance(value, ClipboardRequest)
        self.listen()

    def listen(self):
        for name, end in self.ends.items():
            self.heard[name] += end.heard()


def _data(messages):
    return [m for m in messages if isinstance(m, Clipboard) and m.data]


def _of(kind, messages):
    return [m for m in messages if isinstance(m, kind)]


@settings(max_examples=400, deadline=None)
@given(_words, _rules, _steps)
def test_nothing_passes_that_is_not_allowed(word, rules, steps):
    clipboard, types, largest = rules
    ends = _Ends(word, Options(clipboard, types, largest))
    for step in steps:
        ends.do(*step)
    ends.vm.advance(10)
    ends.listen()
    told = ends.heard["ruled"]
    others = ends.heard["agent"] + ends.heard["open"]
    copied = [m for m in _of(ClipboardGrab, others) if JPG in m.types]
    given_away = [m for m in _data(others) if m.data.startswith(b"ruled")]
    if not MAY_SEND[clipboard]:
        assert copied + given_away + _of(ClipboardRequest, told) == []
    if not MAY_RECEIVE[clipboard]:
        assert _of(ClipboardGrab, told) + _data(told) == []
        assert len(_of(Clipboard, told)) == ends.asked, "each request is answered"
    if types == ("text",):
        assert copied == []
        asked = _of(ClipboardRequest, told)
        assert {m.type for m in _data(told) + given_away + asked} <= {TEXT}
        assert {type for m in _of(ClipboardGrab, told) for type in m.types} <= {TEXT}
    if largest is not None:
        assert all(len(m.data) <= largest for m in _data(told) + given_away)
