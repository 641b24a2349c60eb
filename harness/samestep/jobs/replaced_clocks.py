"""What an implementation may replace in its process, and what not: the clocks, and all that reads them."""

from __future__ import annotations

from collections.abc import Iterable

#: How the names begin of what times are taken by; the siblings of an implementation are none of it.
CLOCKS, SIBLINGS = ("time.", "samestep.", "the processors of the process"), "samestep.impls."


def replaced_clocks(changes: Iterable[str]) -> list[str]:
    """Return those changes of a process (`samestep.workers.world`) after which its times are not believed."""
    return [name for name in changes if name.startswith(CLOCKS) and not name.startswith(SIBLINGS)]
