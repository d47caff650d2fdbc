"""``python -m bench [NAME...]``: measure, and print tables."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import (
    agent,
    beside,
    bulk,
    fanout,
    filters,
    growth,
    idle,
    layers,
    memory,
    small,
    startup,
)
from bench.processes import DRIVER_CORE
from bench.race import Race
from bench.report import machine, table, write_json

#: What may be measured, in the order in which it is.
WORKS: dict[str, Callable[[int], Iterator[Race]]] = {
    "bulk": bulk.run,
    "small": small.run,
    "fanout": fanout.run,
    "filters": filters.run,
    "beside": beside.run,
    "growth": growth.run,
    "layers": layers.run,
    "idle": idle.run,
    "startup": startup.run,
    "memory": memory.run,
    "agent": agent.run,
}


def main() -> None:
    """Measure what is named, or everything."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(WORKS))
    parser.add_argument("--rounds", type=int, default=7, help="7 if not given")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="where all of it goes"
    )
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in WORKS]
    if unknown:
        parser.error(f"{unknown[0]} is none of {', '.join(WORKS)}")
    os.sched_setaffinity(0, {DRIVER_CORE})
    before = machine()
    sys.stdout.write(json.dumps(before) + "\n")
    races: list[Race] = []
    for name in options.names or WORKS:
        for race in WORKS[name](options.rounds):
            races.append(race)
            sys.stdout.write("\n".join(["", *table(race), ""]))
            sys.stdout.flush()
    if options.json:
        write_json(options.json, before, races)


if __name__ == "__main__":
    main()
