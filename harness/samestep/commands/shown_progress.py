"""What a command is doing, on standard error: a bar on a terminal, and elsewhere a line every half minute."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from samestep.jobs.eta import Eta
from samestep.measure import clock
from samestep.printable import printable

#: How often a bar is drawn, and a line written, in seconds.
DRAW_SECONDS, LINE_SECONDS = 1.0, 30.0


class Every:
    """Says when it is time again; the first time is not at once."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.began = self.last = clock.now()

    @property
    def due(self) -> bool:
        """Whether it is time; from then on it is counted anew."""
        if clock.now() - self.last < self.seconds:
            return False
        self.last = clock.now()
        return True

    @property
    def elapsed(self) -> float:
        """The seconds since the beginning."""
        return clock.now() - self.began


def say(console: Console, line: str) -> None:
    """Write a line, above a bar where there is one."""
    console.print(escape(f"samestep: {printable(line)}"), highlight=False, soft_wrap=True)


def is_drawn_on(console: Console) -> bool:
    """Whether a bar can be drawn: no variable of the environment makes a terminal of a pipe."""
    return console.file.isatty() and not console.is_dumb_terminal


@contextmanager
def run_progress(console: Console) -> Iterator[Callable[[Eta], None]]:
    """Provide what is called with the ETA of a run after every step; nothing draws while a sample is
    taken."""
    if not is_drawn_on(console):
        line = Every(LINE_SECONDS)

        def tell(eta: Eta) -> None:
            if line.due:
                say(console, run_line(eta, line.elapsed))

        yield tell
        return
    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[eta]}"),
    )  # fmt: skip
    with Progress(*columns, console=console, auto_refresh=False) as bar:
        task, drawn = bar.add_task("", total=None, eta=""), Every(DRAW_SECONDS)

        def draw(eta: Eta) -> None:
            if drawn.due:
                left = eta.left_seconds
                bar.update(
                    task, description=eta.doing, total=eta.done_seconds + left, completed=eta.done_seconds,
                    eta=f"ETA {minutes(left)}", refresh=True,
                )  # fmt: skip

        yield draw
        bar.update(task, description="done", eta="", refresh=True)


def run_line(eta: Eta, elapsed: float) -> str:
    """Return what of a run is done, what is left, and how long it will take."""
    examined, samples = (eta.counts(kind) for kind in ("check", "turn"))
    return (
        f"{minutes(elapsed)} so far, ETA {minutes(eta.left_seconds)}: {eta.doing}; {examined[0]:,} of "
        f"{examined[1]:,} examinations, {samples[0]:,} of {samples[1]:,} samples"
    )


@contextmanager
def count_progress(console: Console, doing: str, total: int) -> Iterator[Callable[[str], None]]:
    """Provide what is called with a name after each of ``total`` things is done, from any thread."""
    if not is_drawn_on(console):
        line, lock, done = Every(LINE_SECONDS), threading.Lock(), 0

        def tell(name: str) -> None:
            nonlocal done
            with lock:
                done += 1
                if line.due:
                    left = line.elapsed / done * (total - done)
                    so_far = f"{minutes(line.elapsed)} so far, ETA {minutes(left)}"
                    say(console, f"{so_far}: {doing}, {done:,} of {total:,} done, the last is {name}")

        yield tell
        return
    name_of = TextColumn("{task.description}", markup=False)
    columns = (name_of, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(doing, total=total)
        yield lambda name: bar.update(task, advance=1, description=name)


def minutes(seconds: float) -> str:
    """Return a time as minutes and seconds: 4:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
