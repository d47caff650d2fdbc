"""
The contract between vdproxy and its plugins.

Every twistd of an environment imports this module when it looks for plugins, so
it imports nothing but zope.interface.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from twisted.internet.interfaces import IProtocolFactory

    from vdproxy.hub.client import Client
    from vdproxy.hub.filter import Decision
    from vdproxy.hub.hub import Hub
    from vdproxy.hub.peer import Peer
    from vdproxy.hub.verdicts import Answer
    from vdproxy.hub.vm import VM
    from vdproxy.wire.capabilities import Capabilities
    from vdproxy.wire.messages import Message


class IMessageHandler(Interface):
    """
    A feature: the one owner of its message types in one VM.

    A handler lives as long as its VM, over agents, guests and clients. Methods
    answer nothing, and are called one at a time: only ``vm.offers_changed`` and a
    peer's ``resume`` may lead to further calls before they return. One that raises
    is logged; after five failures of one method in a row the handler is stopped and
    its feature withdrawn.
    """

    messages: tuple[type[Message], ...] = Attribute(
        "The message classes it owns, its own inventions among them."
    )
    relayed: Capabilities = Attribute(
        "What it relays: shown to clients if the agent announces it, and announced "
        "to the agent on the clients' behalf (but for what only agents announce)."
    )
    provided: Capabilities = Attribute(
        "What it makes true itself, by translation: shown to clients and announced "
        "to the agent, whatever the other side can do."
    )

    def start(vm: VM) -> None:
        """Begin, before any guest or client is there; *vm* stays the same."""

    def stop() -> None:
        """End: answer whoever still waits. What ``vm.clock`` was to call is not."""

    def guest_up(capabilities: Capabilities) -> None:
        """
        Meet an agent that has just answered, and announces *capabilities*.

        It knows nothing of earlier agents' affairs. Clients were there before.
        """

    def guest_lost() -> None:
        """
        Part with the agent: it will answer nothing any more.

        Whoever waits for one of its answers is to be given another.
        """

    def client_ready(client: Client) -> None:
        """
        Meet a client that has announced itself, and bring it up to date.

        It may be met again without having left: when it has answered a new offer.
        """

    def client_left(client: Client) -> None:
        """
        Part with a client, ready or not; what it waited for is void.

        One that begins anew on its connection is met again with client_ready.
        """

    def received(peer: Peer, message: Message) -> None:
        """
        Act on a message of an owned type, or a REPLY to one.

        *peer* is ``vm.guest`` or a client, which need not be ready.
        """

    def dropped(peer: Peer, message: Message, reason: str) -> None:
        """
        Answer in place of a message that will not be acted on.

        *peer* sent it; *message* is an ``Unknown`` with the raw payload where it
        could not be decoded, and with none where it was over ``max-message``.
        *reason* says why, for the log. What is sent meanwhile asks no filter.
        """

    def withheld(peer: Peer, message: Message, reason: str) -> None:
        """
        Make up for a message to *peer* that a filter refused.

        *message* is as it was sent. It is told after the method that sent it has
        ended. What is sent meanwhile asks no filter.
        """


class ICapabilitiesHandler(IMessageHandler):
    """The handler that owns ANNOUNCE_CAPABILITIES and says what is offered."""

    def offer_to_guest() -> Capabilities:
        """Return what the agent is told on each connection to its port."""

    def offer_to_client(client: Client) -> Capabilities:
        """Return what *client* is told while the present agent is up."""


class IMessageFilter(Interface):
    """
    A look at every message of one VM, and a say in it.

    Filters are asked in the order of the configuration, in both directions. One
    answers None (let it pass), a ``Drop``, a ``Replace`` by a message of the same type
    that the peer's link can tell, or a Deferred or coroutine of one of them. While it
    takes its time over what a peer has sent, what follows from that peer waits, and
    over what is to be sent, what follows to it; nothing else does. After 5 seconds by
    the VM's clock it counts as failed, as it does when it raises or answers anything
    else. A message that a filter failed on passes as if the filter were not there, or
    is dropped where the configuration requires the filter or its maker says that it
    fails closed. After five failures of one method in a row it is asked no more until
    vdproxy is started again. A Deferred that nobody wants any more is cancelled. A
    filter does not send: to answer is the affair of handlers.

    The configuration may give some clients options of their own: judge each by
    ``vm.options_for(peer)``. CLIENT_DISCONNECTED is the link's affair and shown to
    nobody.
    """

    def start(vm: VM) -> None:
        """Begin, before any guest or client is there; *vm* stays the same."""

    def stop() -> None:
        """End. What ``vm.clock`` was to call is not."""

    def incoming(peer: Peer, message: Message) -> Answer:
        """
        Judge what *peer*, ``vm.guest`` or a client, has sent.

        The link has acted on an ANNOUNCE_CAPABILITIES already: a verdict on it keeps
        handlers from it and changes nothing else.
        """

    def outgoing(peer: Peer, message: Message) -> Answer:
        """
        Judge what is to be sent to *peer*.

        An ANNOUNCE_CAPABILITIES comes when it is made up: that it is dropped means
        that nothing is offered, and to a client that files are disabled.
        """


class IAuditFilter(IMessageFilter):
    """A filter that learns what has become of each message, wherever it stands."""

    def decided(decision: Decision) -> None:
        """
        Take note of what has become of a message, once; not of one whose peer has
        gone before it was decided.

        Those that nobody asks filters about are among them: what could not be read,
        and what is sent on account of a drop.
        """


class IFrontend(Interface):
    """A way for clients to reach a VM."""

    def factory(hub: Hub, name: str) -> IProtocolFactory:
        """
        Return a factory for a server endpoint.

        Its connections become clients of *hub*, called *name* (empty where the
        configuration gives none): a protocol attaches its transport with
        ``hub.attach``, which raises Refused if there is no place for it or its user
        (``vdproxy.frontends.credentials`` tells who that is) is not let in, and gives
        the client that it gets for that ``receive_data`` and, once, ``disconnected``.
        """


class IPluginMaker(Interface):
    """What a plugin file declares: a plugin's name and where to find it."""

    name: str = Attribute("What the configuration calls the plugin.")
    module: str = Attribute("The module that has the plugin, imported when used.")
    description: str = Attribute("One line on what it is for.")

    def options() -> type[Any]:
        """Return the frozen dataclass of its options."""

    def make(options: object) -> Any:  # noqa: ANN401 - what it makes is the kind's
        """
        Return a new plugin with *options*.

        It takes no resources yet: it is made to check a configuration as well.
        """


class IHandlerMaker(IPluginMaker):
    """Makes an IMessageHandler."""


class IFilterMaker(IPluginMaker):
    """Makes an IMessageFilter."""

    fails_closed: bool = Attribute(
        "Whether a message that the filter fails on is dropped in any case."
    )


class IFrontendMaker(IPluginMaker):
    """Makes an IFrontend."""
