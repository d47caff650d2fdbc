"""``twistd vdproxy``: its options, and the service it runs."""

from __future__ import annotations

import os
import sys
from functools import partial

from twisted.application.service import IService, MultiService
from twisted.python.usage import Options as UsageOptions

from vdproxy.errors import ConfigError
from vdproxy.service.allocator import keep_some_memory
from vdproxy.service.notify import Notifier
from vdproxy.service.proxy import ProxyService
from vdproxy.service.settings import Settings, load
from vdproxy.service.supervision import Supervision


class Options(UsageOptions):
    """The command line."""

    synopsis = "-c FILE [-c FILE ...] [--check-config] [--trace]"
    optFlags = (
        (
            "check-config",
            None,
            "Check the configuration and exit: 0, or 1 with a line an error.",
        ),
        ("trace", None, "Log the header of every chunk and message."),
    )

    settings: Settings

    def __init__(self) -> None:
        super().__init__()
        self["config"] = []

    def opt_config(self, path: str) -> None:
        """Read the configuration in this file; may be given several times."""
        self["config"].append(path)

    opt_c = opt_config

    def postOptions(self) -> None:
        if not self["config"]:
            # Not a UsageError: up to Twisted 22.4 those end with status 0.
            raise SystemExit("twistd vdproxy: a configuration is needed: -c FILE")
        from twisted.internet import reactor  # noqa: TID251 - twistd has installed it

        try:
            self.settings = load(self["config"], reactor)
        except ConfigError as error:
            print(error, file=sys.stderr)  # noqa: T201 - the answer to the command
            raise SystemExit(1) from None
        if self["check-config"]:
            raise SystemExit(0)


def makeService(options: Options) -> IService:
    """Return the service that *options* describe."""
    from twisted.internet import reactor  # noqa: TID251 - twistd has installed it

    keep_some_memory()
    proxy = ProxyService(
        options.settings,
        partial(load, options["config"], reactor),
        reactor,
        tracing=bool(options["trace"]),
    )
    process = MultiService()
    proxy.setServiceParent(process)
    Supervision(proxy, reactor, Notifier(os.environ)).setServiceParent(process)
    return process
