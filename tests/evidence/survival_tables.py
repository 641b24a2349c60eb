"""The page and the table of what survives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields
from pathlib import Path

from samestep.report import formatting
from tests.evidence.results import machine, write_csv, write_page
from tests.evidence.survival_failures import PATIENCE, STAGES
from tests.evidence.survival_runs import ENDS_WITHIN, INVOCATIONS, ROUNDS, TASKS, Try

RUNG = "rung: "


def write(tries: Sequence[Try], seconds: float, out: Path) -> None:
    """Write the page and the table; ``seconds`` is how long an undisturbed run takes."""
    columns = [field.name for field in fields(Try)]
    rows = [["yes" if v is True else "no" if v is False else v for v in astuple(one)] for one in tries]
    write_csv(out, "survival", columns, rows)
    write_page(out, "survival", page(tries, seconds))


def page(tries: Sequence[Try], seconds: float) -> str:
    """Return the page."""
    head = (
        "what", "tries", "before a run was begun", "records before", "after resume", "lost", "repeated", "left behind",
        "exit codes", "contained",
    )  # fmt: skip
    failures = ("failure", "in the check", "at the start", "in a turn", "left behind")
    return "\n".join([
        "# What survives", "",
        f"{formatting.counted(len(tries), 'try', 'tries')} of the real command line on {machine()}. Made by "
        "`python -m tests.evidence.survival`; one row for each try in the CSV file beside this page.", "",
        f"**{sum(one.ok for one in tries)} of {len(tries)} were contained.**", "",
        "## A run that is stopped, and resumed with `samestep run --resume`", "",
        f"Undisturbed it takes {seconds:.1f} s here (three NumPy implementations, one of them wrong; {INVOCATIONS} invocations of "
        f"{ROUNDS} rounds). The moments are drawn evenly over this time, from a fixed seed; of every fifth try the resumed run is "
        "stopped as well. Contained: the whole lines from before stand unchanged at the head of the file, no sample, peak or end of an "
        "invocation is there twice, the samples are those of the undisturbed run in its order, so are the verdicts and the exit code, "
        f"and {ENDS_WITHIN:.0f} s later no process and no temporary folder of the run is left.", "",
        *formatting.table(head, disturbed(tries), "l" * len(head)), "",
        "A negative exit code is the signal that ended the process. A full disk is a limit on the size of a file (`RLIMIT_FSIZE`) somewhere below",
        "what the records need (exit code 2 where not even `run.json` could be written, so that no run was begun); `mounted` is a small file system of",
        "its own, where mounting is allowed. An interrupt within Python's own start, before samestep's code runs, ends it with 1 or -2.", "",
        "## Implementations that fail, between correct ones", "",
        "Nine failures and a missing framework in one run, among four correct implementations: when they are examined, when their worker starts, and",
        f"in the middle of the rounds. Contained: each has its verdict, each correct one has all its {INVOCATIONS * ROUNDS * TASKS} samples and agrees, the run exits 1,",
        f"and nothing is left behind. A hung worker is given up after {PATIENCE:.0f} s here (600 s otherwise; there is no option for it). What an implementation",
        "computes is examined before anything is timed and once more after its last round: there a NaN that begins in between is detected.", "",
        *formatting.table(failures, failed(tries), "l" * len(failures)), "",
        *(f"- not contained: {one.kind} at {one.moment}: {one.note}" for one in tries if not one.ok),
    ])  # fmt: skip


def disturbed(tries: Sequence[Try]) -> Iterator[Sequence[str]]:
    """Return a row for each way to disturb a run."""
    for kind, mine in by_kind(tries).items():
        if kind.startswith(RUNG):
            continue
        codes = Counter(str(one.code) for one in mine)
        yield (
            kind, str(len(mine)), str(sum("no run yet" in one.note for one in mine)),
            *(f"{total(mine, name):,}" for name in ("before", "after", "lost", "repeated", "orphans")),
            ", ".join(f"{code} ({count})" for code, count in sorted(codes.items())),
            f"{sum(one.ok for one in mine)} of {len(mine)}",
        )  # fmt: skip


def failed(tries: Sequence[Try]) -> Iterator[Sequence[str]]:
    """Return a row for each failure of an implementation: what was found at each stage."""
    for kind, mine in by_kind(tries).items():
        if kind.startswith(RUNG):
            notes = {one.moment: one.note for one in mine}
            found = (notes.get(stage, "") for stage in STAGES)
            yield kind.removeprefix(RUNG), *found, str(total(mine, "orphans"))


def by_kind(tries: Sequence[Try]) -> dict[str, list[Try]]:
    """Return the tries by their kinds, in order."""
    kinds: dict[str, list[Try]] = {}
    for one in tries:
        kinds.setdefault(one.kind, []).append(one)
    return kinds


def total(tries: Sequence[Try], name: str) -> int:
    """Return the total of a field, without the tries that it does not apply to."""
    return sum(getattr(one, name) or 0 for one in tries)
