"""What the marker `samestep` says of a test: options of its comparisons, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from samestep.errors import SamestepError
from samestep.testing.settings import ONLY_IN_MARKER, Chosen, check_kinds


@dataclass(frozen=True)
class Marked:
    """Options by name, and the packages that the test needs."""

    chosen: Chosen = field(default_factory=dict)
    needs: tuple[str, ...] = ()


def read_marker(item: pytest.Item) -> Marked:
    """Return what the markers of a test say; of an option the one that is closest to the test.

    Raises `SamestepError`, which names the test, for what the marker does not take.
    """
    where = f"the marker samestep of {item.nodeid}"
    chosen: dict[str, object] = {}
    needs: list[str] = []
    for mark in item.iter_markers("samestep"):
        if mark.args:
            raise SamestepError(f"{where} takes keywords only, not {mark.args[0]!r}: samestep(steps=3)")
        given = dict(mark.kwargs)
        needs += _names(given.pop(ONLY_IN_MARKER, ()), where)
        chosen = {**check_kinds(given, where, (ONLY_IN_MARKER,)), **chosen}
    return Marked(chosen, tuple(dict.fromkeys(needs)))


def node_id_of(item: pytest.Item) -> str:
    """Return pytest's name of a test, without the group that xdist appends to it."""
    name = item.nodeid
    return name.rpartition("@")[0] if item.get_closest_marker("xdist_group") and "@" in name else name


def _names(value: object, where: str) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
        raise SamestepError(f"{where}: {ONLY_IN_MARKER} = {value!r} is no name of a package, nor several")
    return list(names)
