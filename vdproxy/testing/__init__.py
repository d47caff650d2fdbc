"""
What tests of plugins are made with: a VM without sockets and without a reactor.

A :class:`ModelVM` has the real hub on a ``twisted.internet.task.Clock``. Its agent
and its clients are scripted by the test: they say messages, and tell what was said
to them, in the real bytes of the protocol. Nothing happens but what the test does,
and time passes where it says so. It works in pytest, unittest and trial alike.

A filter, and what a test of it does:

>>> from zope.interface import implementer
>>> from vdproxy.api import ClipboardGrab, ClipboardRequest
>>> from vdproxy.api import Drop, Filter, IMessageFilter
>>> from vdproxy.testing import ModelVM
>>> @implementer(IMessageFilter)
... class NoPasting(Filter):
...     def incoming(self, peer, message):
...         if isinstance(message, ClipboardRequest):
...             return Drop("nobody pastes here")
>>> vm = ModelVM(filters=[NoPasting()])
>>> vm.agent.come_up()
>>> client = vm.client()
>>> vm.agent.say(ClipboardGrab(0, (1,)))
>>> client.heard()
[ClipboardGrab(selection=0, types=(1,), serial=None)]
>>> client.say(ClipboardRequest(0, 1))
>>> client.heard()
[Clipboard(selection=0, type=0, data=b'')]

The handlers that come with vdproxy say what they always do: the agent has heard
MAX_CLIPBOARD by then. Message classes of a tested handler are known to the peers.
"""

from vdproxy.hub.isolation import Installed
from vdproxy.testing.log import LoggedEvents, logged
from vdproxy.testing.peers import (
    LINUX_AGENT,
    SPICE_GTK,
    WINDOWS_AGENT,
    ModelAgent,
    ModelClient,
    ModelPeer,
)
from vdproxy.testing.transport import ModelTransport
from vdproxy.testing.vm import ModelVM

__all__ = [
    "LINUX_AGENT",
    "SPICE_GTK",
    "WINDOWS_AGENT",
    "Installed",
    "LoggedEvents",
    "ModelAgent",
    "ModelClient",
    "ModelPeer",
    "ModelTransport",
    "ModelVM",
    "logged",
]
