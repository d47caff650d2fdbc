"""A policy that is asked of a guest and clients without links."""

from __future__ import annotations

from types import SimpleNamespace

from vdproxy.filters.policy import Options, make

#: What a client may do, by what its ``clipboard`` says.
MAY_SEND = {"both": True, "to-guest": True, "from-guest": False, "none": False}
MAY_RECEIVE = {"both": True, "to-guest": False, "from-guest": True, "none": False}

TEXT, PNG, BMP, TIFF, JPG, FILE_LIST = range(1, 7)
UNHEARD_OF = 77


class Judged:
    """A policy with its guest, and clients that have the options of their names."""

    def __init__(self, **clients):
        self.guest = SimpleNamespace(name="guest", frontend="")
        self._options = clients
        self.policy = make(Options())
        self.policy.start(self)

    def options_for(self, peer):
        return self._options[peer.name]

    def incoming(self, name, message):
        return self.policy.incoming(self._peer(name), message)

    def outgoing(self, name, message):
        return self.policy.outgoing(self._peer(name), message)

    def _peer(self, name):
        if name == "guest":
            return self.guest
        return SimpleNamespace(name=name, frontend="vdi")


def judged(**options):
    """Return a policy with one client, ``client``, that has these options."""
    return Judged(guest=Options(**options), client=Options(**options))
