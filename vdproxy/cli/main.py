"""
The command line of ``vdproxy``: its verbs and exit statuses.

0 is done, 1 failed, 2 used wrongly.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from twisted.logger import globalLogBeginner

from vdproxy import __version__
from vdproxy.cli.check import check
from vdproxy.cli.plugins import plugins


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with *arguments*, the process's own by default."""
    parser = argparse.ArgumentParser(
        prog="vdproxy", description="Looks after vdproxy, the guest agent's proxy."
    )
    parser.add_argument("--version", action="version", version=f"vdproxy {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    verb = verbs.add_parser("check", help="check a configuration")
    verb.add_argument("-c", "--config", metavar="FILE", action="append", required=True)
    verb.set_defaults(run=lambda chosen: check(chosen.config))

    verb = verbs.add_parser("plugins", help="list plugins, or explain one")
    verb.add_argument("name", metavar="NAME", nargs="?")
    verb.set_defaults(run=lambda chosen: plugins(chosen.name))

    chosen = parser.parse_args(arguments)
    # What Twisted logs before a log is begun ends on stderr, with tracebacks.
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    status: int = chosen.run(chosen)
    return status


if __name__ == "__main__":
    sys.exit(main())
