"""What comes of attacks on the command line: cheats, unlucky code, damaged records and data, surroundings, kills.

    python -m tests.evidence.attacks [--only KIND-OR-NAME]... [--kills 6] [--interrupts 4] [--disks 2]

Each attack is a row of a table (`tests.evidence.attack_records` and its siblings) with what must come of it; whoever
thinks of another one adds a row. Kills are those of `tests.evidence.survival`. Writes results/attacks/attacks.csv
and .md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, fields
from pathlib import Path
from queue import SimpleQueue

from samestep import __version__
from samestep.measure.fingerprint import revision
from samestep.report import formatting
from samestep.workers.environment import processor_sets
from tests.evidence import attack_data, attack_environments, attack_records, attack_rungs
from tests.evidence.attack import LIMIT_SECONDS, Attack, Outcome, complete_run, made
from tests.evidence.results import machine, write_csv, write_page
from tests.evidence.survival import campaign
from tests.evidence.survival_runs import FullRun, Slot, Try
from tests.made.places import CHECKOUT

TABLES: Sequence[Callable[[], Iterator[Attack]]] = (
    attack_records.table, attack_data.table, attack_environments.table, attack_rungs.table,
)  # fmt: skip
KILLS = "kill"
OUT = CHECKOUT / "results" / "attacks"


def chosen(only: Sequence[str]) -> list[Attack]:
    """Return the attacks whose kind or name has one of these texts in it; all of them without one."""
    every = [attack for table in TABLES for attack in table()]
    return [one for one in every if not only or any(text in f"{one.kind}: {one.name}" for text in only)]


def outcomes(attacks: Sequence[Attack], folder: Path) -> list[Outcome]:
    """Return what comes of each attack, in order; one goes on at a time on each processor."""
    slots: SimpleQueue[Slot] = SimpleQueue()
    for number, (processor,) in enumerate(processor_sets(1)):
        slots.put(Slot(folder / f"slot-{number}", processor, FullRun()))
    lock = threading.Lock()
    impls = folder / "impls"
    first = slots.get()
    run = complete_run(first, impls)
    slots.put(first)

    def one(attack: Attack) -> Outcome:
        slot = slots.get()
        try:
            found = made(attack, slot, impls, run)
        finally:
            slots.put(slot)
        with lock:
            word = f"NOT CONTAINED: {found.wrong}" if found.wrong else "contained"
            print(f"{found.kind}: {found.name}: {word}", file=sys.stderr, flush=True)
        return found

    with ThreadPoolExecutor(slots.qsize()) as pool:
        return list(pool.map(one, attacks))


def of_tries(tries: Sequence[Try]) -> list[Outcome]:
    """Return the outcomes of what survival tried."""
    expected = "nothing lost, repeated or left behind; resumed, it ends as if undisturbed"
    return [
        Outcome(
            KILLS, f"{one.kind} {one.moment}".strip(), expected, one.code, 0.0, "" if one.ok else one.note
        )
        for one in tries
    ]


def page(found: Sequence[Outcome]) -> str:
    """Return the page: how many of each kind were contained, and each that was not."""
    kinds = dict.fromkeys(one.kind for one in found)
    rows = []
    for kind in kinds:
        mine = [one for one in found if one.kind == kind]
        rows.append((kind, str(len(mine)), str(sum(not one.wrong for one in mine))))
    escaped = [one for one in found if one.wrong]
    return "\n".join([
        "# What comes of attacks", "",
        f"{formatting.counted(len(found), 'attack')} on samestep {__version__} ({revision()}) on {machine()}. Made by "
        "`python -m tests.evidence.attacks`; each attack, with what must come of it, is a row of `attacks.csv`.", "",
        f"**{len(found) - len(escaped)} of {len(found)} were contained**: the command ends within {LIMIT_SECONDS:.0f} s "
        "with the exit code and the words that it should, without a traceback or an escape that reaches the terminal, "
        "starts nothing that only a record names, gives no verdict that is another's, and leaves no process and no "
        "temporary folder behind.", "",
        *formatting.table(("what is attacked with", "attacks", "contained"), rows, "lrr"), "",
        *(f"- not contained: {one.kind}, {formatting.escaped(one.name)}: {formatting.escaped(one.wrong)}" for one in escaped),
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--interrupts", type=int, default=4)
    parser.add_argument("--disks", type=int, default=2)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = outcomes(chosen(options.only), Path(folder) / "attacks")
        if not options.only or KILLS in options.only:
            tries, _ = campaign(Path(folder) / "survival", options.kills, options.interrupts, options.disks)
            found += of_tries(tries)
    write_csv(options.out, "attacks", [one.name for one in fields(Outcome)], map(printable_row, found))
    write_page(options.out, "attacks", page(found))
    sys.exit(any(one.wrong for one in found))


def printable_row(one: Outcome) -> list[object]:
    """Return the row of an outcome, without what would break a line of the table."""
    rounded = (round(value, 2) if isinstance(value, float) else value for value in astuple(one))
    return [formatting.printable(value) if isinstance(value, str) else value for value in rounded]


if __name__ == "__main__":
    main()
