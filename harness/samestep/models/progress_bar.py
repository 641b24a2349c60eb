"""A bar on a terminal for what takes more than a moment; nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from samestep.models.expected import Progress


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Provide a function that is called with the number of runs that are done, and of all.

    On a terminal it draws a bar with the time that is left, on standard error, which goes when it is done.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(transient=True, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
