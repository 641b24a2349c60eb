"""What fits into a page, so that it opens quickly anywhere: the rest is left out, and named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from samestep.report.page.figures import Figure

#: The most bytes of a page.
MOST = 3_000_000

#: The most characters of a source, and of all sources together.
SOURCE, SOURCES = 20_000, 400_000


def fitting_figures(
    figures: Sequence[Figure], room: int, size: Callable[[Figure], int]
) -> tuple[list[Figure], list[Figure]]:
    """Return the figures for which there is room (in bytes), and the others, both in their order. Those that
    are shown at first have the precedence."""
    fit = set()
    for number in sorted(range(len(figures)), key=lambda number: not figures[number].main):
        needed = size(figures[number])
        if needed <= room:
            fit.add(number)
            room -= needed
    kept = [one for number, one in enumerate(figures) if number in fit]
    return kept, [one for number, one in enumerate(figures) if number not in fit]


def fitting_sources(sources: Mapping[str, str | None]) -> dict[str, str]:
    """Return the sources that are known and for which there is room, by their names."""
    kept, room = {}, SOURCES
    for name, text in sorted(sources.items()):
        if text is not None and len(text) <= min(SOURCE, room):
            kept[name] = text
            room -= len(text)
    return kept
