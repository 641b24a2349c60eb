"""How often does a run call something different that is not, and how often does it see what is?

    python -m tests.evidence.power [--runs 200]

Runs are made of stored rounds: the rounds of a table, of all its implementations together, are drawn anew,
and each process is moved by an effect of its own, of Student's t with 4 degrees of freedom, half of it common
to the tasks of an implementation. So every ratio is known: 1, or what is planted, or what the stored run of
eight processes found. The rules judge the same samples: with a variance that each table lends its ratios by
itself, and with one that follows the scatter of rounds over the whole run. Writes results/measuring/power.md.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from samestep.analysis.moderation import of_run
from samestep.analysis.statistics import TIE, Mean, contrasts_of_means, means, own_variances
from samestep.records.schema import Sample
from samestep.records.store import Run
from samestep.report import formatting
from tests.evidence.results import MEASURING, write_page
from tests.made.places import CHECKOUT

STABLE = CHECKOUT / "results" / "amd-epyc-2cpu" / "2026-11-26T19-43-03"
RESTLESS = MEASURING / "restless-rounds.csv.gz"
MAIN = ("train", "train_epoch")

#: Processes, the rounds of a table that the terminal shows, and those of the others.
PROFILES = ((2, 4, 4), (3, 8, 8), (3, 6, 6), (3, 8, 4))

#: The least scatter of processes, and the draws from which the zero of skewed noise is known.
LEAST, DRAWS = 0.01, 4000

#: What is planted: the parts of it that are 1, and up to 1.1, 1.25 and 2.
PARTS, ENDS = (0.3, 0.2, 0.25, 0.25), ((1, 1), (1.05, 1.1), (1.1, 1.25), (1.25, 2))


@dataclass(frozen=True)
class Table:
    """The rounds of a task of a network: ``noise`` (logarithms) by implementation and round, the baseline and
    its A/A copy first; the scatter of each implementation's ``processes``; and its measured ``truth``."""

    case: str
    task: str
    names: Sequence[str]
    noise: np.ndarray
    processes: np.ndarray
    truth: np.ndarray

    def zeros(self, rounds: int) -> np.ndarray:
        """Return what each comes out as where nothing differs: medians of skewed noise are not 0."""
        drawn = self.noise[:, np.random.default_rng(1).integers(0, self.noise.shape[1], (DRAWS, rounds))]
        copy = np.median(drawn[1] - drawn[0], axis=-1).mean()
        ratios = np.median(drawn - (drawn[0] + drawn[1] - copy) / 2, axis=-1).mean(axis=-1)
        return np.concatenate([[0.0, copy], ratios[2:]])

    def rounds(self, profile: tuple[int, int, int]) -> int:
        return profile[1] if self.task in MAIN else profile[2]


Logs = dict[tuple[str, str, str], np.ndarray]


def of_the_stable_run() -> Logs:
    """Return the logarithms of seconds, by process and round, of each case, task and implementation."""
    run = Run.open(STABLE)
    cells = run.plan.by_key()
    found: dict[tuple[str, str, str], dict[tuple[int, int], float]] = {}
    for record in run.records():
        if isinstance(record, Sample) and not record.repeated:
            cell = cells[record.cell]
            name = "A/A" if cell.aa_copy else cell.implementation
            at = (int(record.invocation or 0), record.round)
            found.setdefault((cell.of_case, record.task, name), {})[at] = np.log(record.seconds_per_call)
    return {key: _grid(samples) for key, samples in found.items()}


def of_the_restless_run() -> Logs:
    found: dict[tuple[str, str, str], dict[tuple[int, int], float]] = {}
    with gzip.open(RESTLESS, "rt", encoding="ascii", newline="") as file:
        for row in csv.DictReader(file):
            at = (int(row["invocation"]), int(row["round"]))
            found.setdefault((row["case"], row["task"], row["name"]), {})[at] = np.log(float(row["seconds"]))
    return {key: _grid(samples) for key, samples in found.items()}


def _grid(samples: Mapping[tuple[int, int], float]) -> np.ndarray:
    processes, rounds = ({at[i] for at in samples} for i in (0, 1))
    grid = np.full((len(processes), len(rounds)), np.nan)
    for (process, turn), value in samples.items():
        grid[process, turn] = value
    return grid


def tables(noise: Logs, measured: Logs) -> list[Table]:
    """Return the tables whose rounds are complete; processes scatter, and ratios are, as was ``measured``."""
    found = []
    for case, task in dict.fromkeys(key[:2] for key in noise):
        logs = {name: grid for (of, at, name), grid in noise.items() if (of, at) == (case, task)}
        shape = logs["numpy_manual"].shape
        logs = {name: grid for name, grid in logs.items() if grid.shape == shape and not np.isnan(grid).any()}
        if not {"numpy_manual", "A/A"} <= logs.keys():
            continue
        names = ["numpy_manual", "A/A", *(name for name in logs if name not in ("numpy_manual", "A/A"))]
        grids = np.array([logs[name] for name in names])
        rounds = grids.shape[2]
        left = (grids - np.median(grids, axis=2, keepdims=True)) * np.sqrt(rounds / (rounds - 1))
        base = (measured[case, task, "numpy_manual"] + measured[case, task, "A/A"]) / 2
        ratios = {name: list(measured[case, task, name] - base) for name in names}
        extra = {
            name: own.variance - (own.rounds or 0.0)
            for name, own in zip(ratios, own_variances(ratios), strict=True)
        }
        kinds = {name: np.median([extra[o] for o in names if _kind(o) == _kind(name)]) for name in names}
        scatter = np.array([max(LEAST, max(0.0, float(kinds[name])) ** 0.5) for name in names])
        truth = np.array([mean.value for mean in means(ratios).values()])
        found.append(Table(case, task, names, left.reshape(len(names), -1), scatter, truth[2:]))
    return found


def _kind(name: str) -> str:
    return name.split("_")[0]


@dataclass(frozen=True)
class Judged:
    """The ratios of a simulated table, all truly 1, and its A/A difference."""

    table: Table
    ratios: Mapping[str, Mean]
    floor: float

    def outcome(self, truth: np.ndarray) -> Iterator[tuple[float, bool, bool]]:
        """Return of each ratio the truth, whether it was called, and whether what is said is wrong."""
        moved = {
            name: replace(mean, value=mean.value + float(shift))
            for (name, mean), shift in zip(self.ratios.items(), truth, strict=True)
        }
        said = contrasts_of_means(moved, self.floor / 2, self.floor)
        for one, true in zip(said.values(), truth, strict=True):
            sign = {"slower": 1, "faster": -1}.get(one.word, 0)
            wrong = (sign != 0 and sign != np.sign(true)) or (one.word == "tie" and abs(true) > TIE)
            yield float(true), sign != 0, bool(wrong)


def simulated(
    found: Sequence[Table], zeros: Sequence[np.ndarray],
    profile: tuple[int, int, int], rng: np.random.Generator,
) -> dict[str, list[Judged]]:  # fmt: skip
    """Return the tables of a run as each rule has them."""
    count = profile[0]
    shared: dict[tuple[str, str], np.ndarray] = {}
    families, floors = [], []
    for table, zero in zip(found, zeros, strict=True):
        common = [
            shared.setdefault((table.case, name), rng.standard_t(4, count) / 2**0.5) for name in table.names
        ]
        effects = (np.array(common) + rng.standard_t(4, (len(table.names), count)) / 2**0.5) / 2**0.5
        drawn = rng.integers(0, table.noise.shape[1], (count, table.rounds(profile)))
        logs = (table.processes[:, None] * effects)[..., None] + table.noise[:, drawn] - zero[:, None, None]
        base = (logs[0] + logs[1]) / 2
        families.append({name: list(logs[i] - base) for i, name in enumerate(table.names) if i > 1})
        floors.append(abs(means({0: list(logs[1] - logs[0])})[0].value))
    prior = of_run([own_variances(family) for family in families])
    return {
        rule: [
            Judged(table, means(family, lent), floor)
            for table, family, floor in zip(found, families, floors, strict=True)
        ]
        for rule, lent in (("of its table", None), ("of the run", prior))
    }


def planted(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return true ratios (logarithms)."""
    ends = np.array(ENDS)[rng.choice(len(PARTS), count, p=PARTS)]
    logs: np.ndarray = np.log(rng.uniform(ends[:, 0], ends[:, 1])) * rng.choice((-1, 1), count)
    return logs


def counted(found: Sequence[Table], profile: tuple[int, int, int], runs: int) -> dict[str, Counter[str]]:
    """Return by rule how many tables say something wrong, and how many ratios are called, of how many."""
    rng, counts = np.random.default_rng(0), {rule: Counter[str]() for rule in ("of its table", "of the run")}
    zeros = [table.zeros(table.rounds(profile)) for table in found]
    for _ in range(runs):
        run = simulated(found, zeros, profile, rng)
        truths = [
            {"null": np.zeros(t.truth.size), "planted": planted(t.truth.size, rng), "own": t.truth}
            for t in found
        ]
        for rule, judged in run.items():
            for one, kinds in zip(judged, truths, strict=True):
                for kind, truth in kinds.items():
                    _count(counts[rule], kind, one, truth)
    return counts


def _count(counts: Counter[str], kind: str, one: Judged, truth: np.ndarray) -> None:
    outcomes = list(one.outcome(truth))
    counts[f"{kind} tables"] += 1
    counts[f"{kind} wrong"] += any(wrong for *_, wrong in outcomes)
    for beyond in (1.05, 1.1):
        called = [call for true, call, _ in outcomes if abs(true) > np.log(beyond)]
        for what in (kind, *(["main"] if kind == "own" and one.table.task in MAIN else [])):
            counts[f"{what} {beyond}"] += len(called)
            counts[f"{what} {beyond} called"] += sum(called)


def rows(machine: str, found: Sequence[Table], runs: int) -> Iterator[Sequence[str]]:
    for profile in PROFILES:
        processes, main, other = profile
        rounds = f"{main}" if main == other else f"{main} (others {other})"
        for rule, counts in counted(found, profile, runs).items():

            def part(kind: str, beyond: float, counts: Counter[str] = counts) -> str:
                return f"{100 * counts[f'{kind} {beyond} called'] / counts[f'{kind} {beyond}']:.0f} %"

            def wrong(kind: str, counts: Counter[str] = counts) -> str:
                return f"{100 * counts[f'{kind} wrong'] / counts[f'{kind} tables']:.1f} %"

            yield (
                machine, f"{processes} of {rounds}", rule, wrong("null"), wrong("planted"),
                part("planted", 1.05), part("planted", 1.1), part("own", 1.05), part("own", 1.1),
                part("main", 1.05), part("main", 1.1),
            )  # fmt: skip


HEAD = (
    "machine", "processes of rounds", "variances", "wrong, all equal", "wrong, planted", "planted: 5 %", "10 %",
    "measured: 5 %", "10 %", "first tables: 5 %", "10 %",
)  # fmt: skip


def page(runs: int) -> str:
    stable = of_the_stable_run()
    found = {"stable": tables(stable, stable), "restless": tables(of_the_restless_run(), stable)}
    table = [row for machine, those in found.items() for row in rows(machine, those, runs)]
    return "\n".join([
        "# How often a run is wrong, and what it sees", "",
        f"{runs} simulated runs a row, of the rounds of the stored run `{STABLE.name}` (stable) and of a run of 2 "
        "processes of 4 rounds beside which other programs computed (restless; `restless-rounds.csv.gz`), both on a "
        "virtual AMD EPYC with two processors. Made by `python -m tests.evidence.power`.", "",
        *formatting.table(HEAD, table, "lllrrrrrrrr"), "",
        "*wrong*: tables in which any `<`, `>` or `=` is not true, where all are equally fast, and where three in ten are and the "
        "others differ by 5 to 100 %. The other columns are the ratios called `<` or `>`, of those whose truth is beyond 5 or 10 %: "
        "of the planted ones, of those that the stored run measured, and of the tables of the terminal alone. *variances*: what a "
        "ratio's own variance is weighed against: that of its table, or what follows from the scatter of rounds over the run.",
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--out", type=Path, default=MEASURING)
    options = parser.parse_args()
    text = page(options.runs)
    write_page(options.out, "power", text)
    print(text)


if __name__ == "__main__":
    main()
