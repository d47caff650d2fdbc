"""Who may be a client of a VM, from the names in its section."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Callable, Iterator, Sequence

from vdproxy.hub.access import Access
from vdproxy.options import Section

#: Types of endpoints whose sockets do not tell who connects.
_TELLS_NOTHING = ("tcp", "tcp6", "ssl")


def read_access(
    section: Section,
    users: Sequence[str],
    groups: Sequence[str],
    problems: list[str],
) -> Access:
    """
    Return what names and numbers of *users* and *groups* mean.

    A line is added to *problems* for each name that nobody has.
    """

    def ids(
        key: str, names: Sequence[str], look_up: Callable[[str], int]
    ) -> Iterator[int]:
        for name in names:
            try:
                yield int(name) if name.isdecimal() else look_up(name)
            except KeyError:
                problems.append(section.problem(key, f"nobody here is called {name}"))

    return Access(
        frozenset(ids("allow-users", users, lambda name: pwd.getpwnam(name).pw_uid)),
        frozenset(ids("allow-groups", groups, lambda name: grp.getgrnam(name).gr_gid)),
    )


def nobody_by(endpoint: str, access: Access) -> str | None:
    """Return the line that says so if no client of *endpoint* can be let in."""
    kind = endpoint.partition(":")[0]
    if not access.limited or kind not in _TELLS_NOTHING:
        return None
    return (
        f"{endpoint} tells nothing of users: with allow-users or allow-groups it lets "
        "nobody in"
    )
