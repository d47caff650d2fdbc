"""
Hold each module to its bound: how much of its lines and branches the tests reach.

Reads what ``coverage json`` writes, on standard input. Ends with status 1 and a line
for each module that is not as it has to be, if there are any.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

#: What hostile bytes and failing plugins get to: all of it is tried.
WHOLE = tuple(
    f"vdproxy/{name}/" for name in ("wire", "link", "hub", "handlers", "filters")
)

#: Percent of the lines and branches of every other module.
ELSEWHERE = 90

#: Modules below their bound, and how many of their lines and branches are not
#: reached. The list may only shrink: one that has got better is to be lowered, and
#: one that has come to its bound to be taken out.
EXCEPTIONS: dict[str, int] = {}


def problems(
    files: Mapping[str, Any], exceptions: Mapping[str, int] = EXCEPTIONS
) -> Iterator[str]:
    """Yield a line for each of these *files* that is not as it has to be."""
    for path, found in files.items():
        summary = found["summary"]
        missed = summary["missing_lines"] + summary.get("missing_branches", 0)
        bound = 100 if path.startswith(WHOLE) else ELSEWHERE
        allowed = exceptions.get(path)
        if summary["percent_covered"] >= bound:
            if allowed is not None:
                yield f"{path} has come to its {bound} %: it is no exception any more"
        elif allowed is None:
            where = f"lines {found['missing_lines']}, branches {_branches(found)}"
            yield f"{path} is below its {bound} %: {where}"
        elif missed != allowed:
            yield f"{path} misses {missed} lines and branches, not {allowed}"
    for path in exceptions.keys() - files.keys():
        yield f"{path} is an exception and is not there"


def _branches(found: Mapping[str, Any]) -> str:
    """Return branches that were not taken as from->to, where a way out has no line."""
    ways = found["missing_branches"]
    return str([f"{a}->{b if b > 0 else 'exit'}" for a, b in ways])


if __name__ == "__main__":
    sys.exit("\n".join(sorted(problems(json.load(sys.stdin)["files"]))) or None)
