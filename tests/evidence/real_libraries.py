"""Real libraries against each other: right pairs agree, mistakes are found and named.

``python -m tests.evidence.real_libraries`` takes every pair in a process of its own. Beside samestep's verdict
stands what the libraries' own tests would say: transformers compares outputs of Flax twins within 4e-2 and of
TensorFlow twins within 1e-5. ``--only PART`` takes the pairs with that in their names, and renews their rows.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch

import numpy as np

from tests.evidence.libraries.catalogue import PAIRS
from tests.evidence.libraries.pair import Pair
from tests.evidence.ports.port import Case
from tests.evidence.ports.tables import write_table
from tests.evidence.results import write_csv
from tests.evidence.usual_checks import LIBRARY_TESTS
from tests.made.places import CHECKOUT

FOLDER, NAME = CHECKOUT / "results/models", "real-libraries"
#: Seconds after which a pair is given up.
LIMIT = 900.0
Row = dict[str, str]
COLUMNS = (
    "pair", "mistake", "verdict", "worst share of a limit", *LIBRARY_TESTS, "placed", "named", "what is said", "seconds",
)  # fmt: skip


def examine(pair: Pair) -> Row:
    """Return what samestep and the usual tolerances say of a pair, in this process."""
    import samestep

    started = time.perf_counter()
    case = pair.make()
    result = samestep.compare(case.candidate, case.reference, case.inputs, **case.options)
    cause = str(result.diagnosis or result.looks_like or "")
    names = {result.first.layer or "", result.first.tensor} if result.first else set()
    if result.first:
        names |= {t.reference for t in result.judged if str(t.key) == result.first.tensor}
        names |= set(result.first.between or ())
    placed = any(fnmatch(name, place) for name in names for place in pair.places)
    named = "no cause given" if not cause else _yes(pair.cause is not None and pair.cause in cause)
    said = "" if result.verdict == "agree" else str(result).splitlines()[0]
    return {
        "pair": pair.name,
        "mistake": "" if pair.is_right else "built in",
        "verdict": result.verdict,
        "worst share of a limit": f"{max((t.share for t in result.judged), default=0.0):.2g}",
        **{name: _yes(notices) for name, notices in noticed(case).items()},
        "placed": "" if pair.is_right else _yes(placed),
        "named": "" if pair.is_right else named,
        "what is said": "; ".join(part for part in (pair.differs, said, cause) if part),
        "seconds": f"{time.perf_counter() - started:.0f}",
    }


def noticed(case: Case) -> dict[str, bool]:
    """Return by tolerance whether it notices a difference between the outputs in float32."""
    from samestep.models.asked import ask
    from samestep.models.opening import open_subject
    from samestep.models.tensors import Role

    options = dict(case.options)
    asked = ask(case.inputs, options.get("loss"), options.get("targets"), 0)
    runs = (
        open_subject(case.candidate, "candidate").run(asked.candidate),
        open_subject(case.reference, "reference").run(asked.reference),
    )
    mine, theirs = ([x for key, x in run.items() if key.role is Role.OUTPUT] for run in runs)
    pairs = [(a, b) for a, b in zip(mine, theirs, strict=False) if np.shape(a) == np.shape(b)]
    return {name: not all(check(*pair) for pair in pairs) for name, check in LIBRARY_TESTS.items()}


def in_its_own_process(pair: Pair) -> Row:
    """Return the row of a pair that a fresh process examines, within `LIMIT`."""
    command = [sys.executable, "-m", "tests.evidence.real_libraries", "--one", pair.name]
    world = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", **pair.environment}
    try:
        done = subprocess.run(command, env=world, capture_output=True, text=True, timeout=LIMIT, cwd=CHECKOUT)
        lines = done.stdout.splitlines()
        if done.returncode == 0 and lines:
            row: Row = json.loads(lines[-1])
            return row
        why = (done.stderr.strip().splitlines() or ["no word"])[-1]
    except subprocess.TimeoutExpired:
        why = f"over {LIMIT:.0f} seconds"
    mistake = "" if pair.is_right else "built in"
    return dict.fromkeys(COLUMNS, "") | {
        "pair": pair.name, "mistake": mistake, "verdict": "not examined", "what is said": why,
    }  # fmt: skip


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def committed() -> dict[str, Row]:
    """The rows of the last table, by pair; none where there is none."""
    file = FOLDER / f"{NAME}.csv"
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["pair"]: dict(row) for row in csv.DictReader(lines)}


def summary(rows: Sequence[Row]) -> str:
    """Return what the table says, in sentences."""
    right = [row for row in rows if not row["mistake"]]
    wrong = [row for row in rows if row["mistake"]]
    caught = [row for row in wrong if row["verdict"] == "disagree"]
    causes = [row for row in caught if row["named"] in ("yes", "no")]
    usual = ", ".join(f"{name} {sum(row[name] == 'yes' for row in wrong)}" for name in LIBRARY_TESTS)
    other = [f"{row['pair']} ({row['verdict']})" for row in right if row["verdict"] != "agree"]
    return (
        f"Pairs of two libraries' own code, tiny, with random weights: {len(rows)} of the {len(PAIRS)} in the catalogue. {len(right)} pairs without a mistake built in: "
        f"{sum(row['verdict'] == 'agree' for row in right)} agree; not {', '.join(other) or 'any other'}. "
        f"{len(wrong)} with one built in: {len(caught)} found, {sum(row['placed'] == 'yes' for row in caught)} at the "
        f"right place; a cause is given for {len(causes)}, the right one for "
        f"{sum(row['named'] == 'yes' for row in causes)}. Of these {len(wrong)} a tolerance on outputs notices: {usual}."
    )


def write(rows: dict[str, Row]) -> None:
    """Write the table, with a row for each pair that has one, in the order of the catalogue."""
    ordered = [rows[pair.name] for pair in PAIRS if pair.name in rows]
    write_csv(FOLDER, NAME, COLUMNS, [[row[column] for column in COLUMNS] for row in ordered])
    table = [{column: row[column].replace("|", "\\|") for column in COLUMNS} for row in ordered]
    write_table(FOLDER / f"{NAME}.md", "Real libraries", summary(ordered), table)


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--processes", type=int, default=2)
    made.add_argument("--only", default="", help="a part of the names to run: their rows are renewed")
    made.add_argument("--one", default="", help="the name of the pair that this process examines")
    options = made.parse_args()
    if options.one:
        print(json.dumps(examine(next(pair for pair in PAIRS if pair.name == options.one))))
        return
    chosen, rows = [pair for pair in PAIRS if options.only in pair.name], committed()
    with ThreadPoolExecutor(options.processes) as pool:
        for row in pool.map(in_its_own_process, chosen):
            print(row, flush=True)
            rows[row["pair"]] = row
            write(rows)  # as it goes: it takes half an hour
    print(summary([rows[pair.name] for pair in PAIRS if pair.name in rows]))


if __name__ == "__main__":
    main()
