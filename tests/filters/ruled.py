"""A VM under a policy, whose clients have the options of their names."""

from __future__ import annotations

from vdproxy.api import Capabilities, Clipboard
from vdproxy.filters.policy import Options, make
from vdproxy.testing import LINUX_AGENT, SPICE_GTK, Installed, ModelVM

TEXT, PNG, BMP, TIFF, JPG = range(1, 6)

NONE = Clipboard(0, 0, b"")

#: What spice-vdagent is told that waits for text.
EMPTY = Clipboard(0, TEXT, b"")

#: What clients announce, from nothing at all to everything.
CLIENTS = {
    "nothing": Capabilities(),
    "by demand": Capabilities.of(5),
    "selection": Capabilities.of(5, 6),
    "serial": Capabilities.of(5, 6, 17),
    "gtk": SPICE_GTK,
    "everything": Capabilities.of(*range(18)),
}

#: Those of them that have a clipboard.
DESKS = {name: bits for name, bits in CLIENTS.items() if bits}


class Ruled(ModelVM):
    """Its policy lets clients do everything, if not their names say otherwise."""

    def __init__(self, agent=LINUX_AGENT, /, **clients):
        special = {("vdi", name): options for name, options in clients.items()}
        policy = Installed("policy", make(Options()), Options(), special, closed=True)
        super().__init__(filters=[policy])
        if agent is not None:
            self.agent.come_up(agent)

    def desk(self, name, capabilities=SPICE_GTK):
        """Return a client that has heard all it is told at first."""
        client = self.client(capabilities, name=name)
        client.heard()
        return client


def all_heard(*ends):
    return [end.heard() for end in ends]
