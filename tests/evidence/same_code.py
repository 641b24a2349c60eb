"""Is the same code called different, and code that is three per cent slower called slower?

    python -m tests.evidence.same_code [--replicates 100]

A replicate is a comparison as the `full` profile makes it. It holds the baseline, its A/A copy (the noise floor), the
same code as a third implementation (A/A), and the same code with three per cent more steps (A/B). All samples are
judged by samestep's rules, and by what pytest-benchmark, asv and pyperf do with a list of samples. Writes
results/measuring/same-code.md and same-code.csv.gz (the samples).
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
from scipy import stats

from samestep.agreement.verdict import AGREE
from samestep.analysis.by_cell import Samples
from samestep.analysis.ratios import ComparisonGroup
from samestep.analysis.statistics import TIE, Contrast
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Options
from samestep.catalog.selection import select, with_aa_copies
from samestep.jobs import rounds
from samestep.jobs.bench import bench
from samestep.jobs.planning import PROFILES, make_plan
from samestep.records.plan import PlannedCell, Profile, RunOptions
from samestep.records.schema import CellVerdict, Sample
from samestep.records.store import Run
from samestep.report import formatting
from samestep.workers.launcher import Launcher
from tests.evidence.results import MEASURING, machine, write_page
from tests.made.rungs import GOOD, MANUAL, SPEC, root

STEPS, MORE = 200, 6  # three per cent
FULL = PROFILES["full"]
ARMS = ("baseline", "again", "same", "slower")
#: The samples of one comparison, by arm.
Replicate = Mapping[str, Samples]

SLOWER = f'''
"""The same, with three per cent more steps."""

from .numpy_manual import adopt, export
from .numpy_manual import train as unchanged

READ_AFTER = "numpy_manual"


def train(state, x, y, learning_rate, steps):
    return unchanged(state, x, y, learning_rate, steps + {MORE} if steps == {STEPS} else steps)
'''


def workload(folder: Path) -> Path:
    """Write the tests' made-up workload with nothing but its training loop to be timed, and return its root."""
    head, _, rest = SPEC.partition('        "loss_and_grads"')
    spec = head + rest[rest.index('        "train": Task(') :]
    spec = spec.replace('"steps": 4', f'"steps": {STEPS}').replace("1e-3", "1e-5")
    same = GOOD.replace("loss_and_grads, ", "").replace(", train_step", "")
    made = root(folder, {"numpy_same": same, "numpy_slower": SLOWER})
    (made / "rigged" / "spec.py").write_text(spec.lstrip(), encoding="utf-8")
    manual = MANUAL.replace("def loss_and_grads", "def _loss_and_grads").replace(
        "def train_step", "def _step"
    )
    manual = manual.replace("= loss_and_grads(", "= _loss_and_grads(").replace("= train_step(", "= _step(")
    (made / "rigged" / "numpy_manual.py").write_text(manual.lstrip(), encoding="utf-8")
    return made


def measure(replicates: int) -> list[Replicate]:
    """Return the samples of N comparisons, made one after another in one run."""
    with tempfile.TemporaryDirectory() as folder:
        impls = workload(Path(folder) / "impls")
        launcher, options = Launcher(Catalog([impls]), [impls]), RunOptions(threads=1, roots=[str(impls)])
        cells = with_aa_copies(
            launcher.catalog, select(launcher.catalog, ["rigged:small"], Options(threads=1))
        )
        profile = Profile(replicates * FULL.invocations, FULL.rounds)
        plan = make_plan(launcher.catalog, cells, ["rigged"], options, profile)
        run = Run.create(Path(folder) / "out", "machine", plan)
        with patch.object(rounds, "PEAK_FRAMEWORKS", ()):  # the machine's peak is not asked for here
            bench(run, launcher, lambda eta: None)
        return by_replicate(run, dict(zip([cell.key for cell in cells], ARMS, strict=True)), replicates)


def by_replicate(run: Run, arms: Mapping[str, str], replicates: int) -> list[Replicate]:
    """Return the samples of a run, whose invocations are divided among the replicates in order.

    ``arms`` are the arms by the keys of the cells. Raises RuntimeError where a cell does not agree.
    """
    found: list[dict[str, Samples]] = [{arm: {} for arm in ARMS} for _ in range(replicates)]
    for record in run.records():
        if isinstance(record, CellVerdict) and record.verdict.verdict != AGREE:
            raise RuntimeError(record.verdict.reason)
        if isinstance(record, Sample) and not record.repeated:
            number, invocation = divmod(record.invocation, FULL.invocations)
            moment = (record.group, invocation), record.round
            found[number][arms[record.cell]][moment] = record.seconds_per_call
    return list(found)


#: The level of asv's test, as its source has it.
ASV = 0.002

# -- the rules: each calls an arm "faster" or "slower" than the baseline, or neither ("") -------------------


def samestep(one: Replicate, arm: str) -> str:
    """The word of a report."""
    word = contrast(one, arm).word
    return word if word in ("faster", "slower") else ""


def contrast(one: Replicate, arm: str) -> Contrast:
    """Return what a report says of the ratio of an arm to the baseline."""
    return comparison(one, arm).against("baseline", "train")[arm]


def comparison(one: Replicate, arm: str) -> ComparisonGroup:
    """Return the comparison group of the baseline, its A/A copy and an arm."""
    names = ("baseline", "again", arm)
    cells = {
        name: PlannedCell(
            "rigged", "small", name, "numpy", "float32", "cpu", "float32", 1, aa_copy=name == "again",
            baseline="baseline",
        )
        for name in names
    }  # fmt: skip
    return ComparisonGroup("baseline", {name: {"train": one[name]} for name in names}, cells)


def aa_ratio(one: Replicate) -> float:
    """Return the ratio of the A/A copy to the baseline."""
    ratio = comparison(one, "same").noise("train")
    assert ratio is not None, "the copy was not timed"
    return ratio


def pytest_benchmark(one: Replicate, arm: str) -> str:
    """``--benchmark-compare-fail=mean:2%``, a threshold that its users set by hand."""
    ratio = np.mean(values(one, arm)) / np.mean(values(one, "baseline"))
    return "slower" if ratio > 1.02 else "faster" if ratio < 1 / 1.02 else ""


def asv(one: Replicate, arm: str) -> str:
    """`asv compare --factor 1.02`: Mann-Whitney's U at 0.002, and the factor."""
    a, b = values(one, "baseline"), values(one, arm)
    ratio = np.median(b) / np.median(a)
    if stats.mannwhitneyu(a, b).pvalue >= ASV:
        return ""
    return "slower" if ratio > 1.02 else "faster" if ratio < 1 / 1.02 else ""


def pyperf(one: Replicate, arm: str) -> str:
    """`pyperf compare_to`: Student's t at 95 %, on all values."""
    a, b = values(one, "baseline"), values(one, arm)
    if stats.ttest_ind(a, b).pvalue >= 0.05:
        return ""
    return "slower" if np.mean(b) > np.mean(a) else "faster"


RULES: dict[str, Callable[[Replicate, str], str]] = {
    "samestep": samestep,
    "pytest-benchmark, mean:2%": pytest_benchmark,
    "asv, factor 1.02": asv,
    "pyperf": pyperf,
}


def values(one: Replicate, arm: str) -> list[float]:
    """Return the samples of an arm in the order in which they were taken."""
    return [one[arm][moment] for moment in sorted(one[arm])]


# -- the files ---------------------------------------------------------------------------------------------


def keep(replicates: Sequence[Replicate], path: Path) -> None:
    """Write the samples."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="ascii", newline="\n") as file:
        file.write("replicate,arm,invocation,round,seconds\n")
        for number, one in enumerate(replicates):
            for arm in ARMS:
                for ((_, invocation), turn), seconds in sorted(one[arm].items()):
                    file.write(f"{number},{arm},{invocation},{turn},{seconds:.6g}\n")


def read(path: Path) -> list[Replicate]:
    """Return what `keep` wrote."""
    found: dict[int, dict[str, Samples]] = {}
    with gzip.open(path, "rt", encoding="ascii") as file:
        next(file)
        for line in file:
            number, arm, invocation, turn, seconds = line.split(",")
            arms = found.setdefault(int(number), {name: {} for name in ARMS})
            arms[arm][(0, int(invocation)), int(turn)] = float(seconds)
    return list(found.values())


def page(replicates: Sequence[Replicate]) -> str:
    """Return the page: how often each rule is wrong, and how often it detects the slower code."""
    count = len(replicates)
    moments = replicates[0]["baseline"]
    invocations, turns = len({process for process, _ in moments}), len({turn for _, turn in moments})
    head = ("rule", "the same code is called different", "3 % slower is called slower", "called faster")
    return "\n".join([
        "# The same code, and three per cent more of it", "",
        f"{formatting.counted(count, 'comparison')} of {invocations} invocations of {turns} rounds, one thread, float32, on {machine()}. Made by "
        "`python -m tests.evidence.same_code`; the samples are in the file beside this page.", "",
        *formatting.table(head, by_rule(replicates), "lrrr"), "", ratios(replicates), "",
        "The other rules get these interleaved samples too, not samples taken one after another.",
    ])  # fmt: skip


def by_rule(replicates: Sequence[Replicate]) -> Iterator[Sequence[str]]:
    """Return a row for each rule."""
    count = len(replicates)
    for name, rule in RULES.items():
        same = Counter(rule(one, "same") for one in replicates)
        slower = Counter(rule(one, "slower") for one in replicates)
        yield (
            name, f"{count - same['']} of {count}", f"{slower['slower']} of {count}", f"{slower['faster']} of {count}",
        )  # fmt: skip


def ratios(replicates: Sequence[Replicate]) -> str:
    """Return how near the ratios are to the truth, and how often the A/A ratio makes a run unfit."""
    count, truth = len(replicates), 1 + MORE / STEPS
    slower = [contrast(one, "slower") for one in replicates]
    covered = sum(ratio.low <= truth <= ratio.high for ratio in slower)
    beyond = sum(abs(float(np.log(aa_ratio(one)))) > TIE for one in replicates)
    return (
        f"The median of the {count} ratios is {np.median([ratio.value for ratio in slower]):.4f} (true: {truth:.4f}, by the "
        f"count of steps); {covered} of {count} 95 % intervals hold it. The A/A ratio was more than 2 % off in {beyond} of "
        f"{count}: there samestep says that the run is unfit."
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--again", action="store_true", help="judge the samples that are there already")
    parser.add_argument("--out", type=Path, default=MEASURING)
    options = parser.parse_args()
    samples = options.out / "same-code.csv.gz"
    if not options.again:
        keep(measure(options.replicates), samples)
    write_page(options.out, "same-code", page(read(samples)))


if __name__ == "__main__":
    main()
