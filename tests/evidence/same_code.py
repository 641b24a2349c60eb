"""Is the same code called different, and three per cent called slower? A hundred times over.

    python -m tests.evidence.same_code [--replicates 100]

A replicate is a comparison as the `full` profile makes it. In it are the baseline, the
baseline again (the noise floor), the same code under a third name (A/A), and the same code with three per cent
more steps (A/B). All samples are judged by samestep's rules, and beside them by what pytest-benchmark, asv and
pyperf do with a list of samples. Writes results/measuring/same-code.md and same-code.csv.gz (the samples).
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from samestep.analysis.ratios import Arena
from samestep.analysis.statistics import Contrast
from samestep.catalog.catalog import Catalog
from samestep.catalog.selection import Options, select, with_twins
from samestep.commands.bench import _about
from samestep.jobs import rounds
from samestep.jobs.bench import PROFILES, Bench, Profile
from samestep.records.store import Run
from samestep.workers.launcher import Workshop
from tests.evidence.lanes import MEASURING, machine
from tests.made.rungs import GOOD, MANUAL, SPEC, root

STEPS, MORE = 200, 6  # three per cent
FULL = PROFILES["full"]
ARMS = ("baseline", "again", "same", "slower")
Samples = dict[tuple[int, int], float]
Replicate = Mapping[str, Samples]

SLOWER = f'''
"""The same, and three per cent of its steps once more."""

from .numpy_manual import adopt, export
from .numpy_manual import train as honest

READ_AFTER = "numpy_manual"


def train(state, x, y, learning_rate, steps):
    return honest(state, x, y, learning_rate, steps + {MORE} if steps == {STEPS} else steps)
'''


def workload(folder: Path) -> Path:
    """The tests' made-up workload with nothing but its training loop to be timed."""
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


def measured(replicates: int) -> list[Replicate]:
    """The samples of so many comparisons, made one after another in one run."""
    rounds.PEAK_FRAMEWORKS = ()  # type: ignore[assignment]  # the machine's peak is not asked for here
    with tempfile.TemporaryDirectory() as folder:
        impls = workload(Path(folder) / "impls")
        shop, options = Workshop(Catalog([impls]), [impls]), Options(threads=1)
        cells = with_twins(shop.catalog, select(shop.catalog, ["rigged:small"], options))
        profile = Profile(replicates * FULL.invocations, FULL.rounds)
        run = Run.create(Path(folder) / "out", "machine", _about(shop, cells, ["rigged"], options, profile))
        bench = Bench(shop, run, profile, lambda forecast: None)
        bench.measure(cells)
        names = dict(zip([cell.key for cell in cells], ARMS, strict=True))
        wrong = [r["reason"] for r in run.records("verdict") if r["verdict"] != "agree"]
        if wrong:
            raise RuntimeError(wrong[0])
        found: list[dict[str, Samples]] = [{arm: {} for arm in ARMS} for _ in range(replicates)]
        for record in run.records("sample"):
            if not record.get("repeated"):
                number, invocation = divmod(record["invocation"], FULL.invocations)
                moment = invocation, record["round"]
                found[number][names[record["cell"]]][moment] = record["seconds"] / record["loops"]
        return list(found)


#: The level of asv's test, as its source has it.
ASV = 0.002

# -- the rules: each says "faster", "slower" or nothing of the second list ---------------------------------


def samestep(one: Replicate, arm: str) -> str:
    word = against(one, arm).word
    return word if word in ("faster", "slower") else ""


def against(one: Replicate, arm: str) -> Contrast:
    """What a report says of it."""
    return arena(one, arm).against("baseline", "train")[arm]


def arena(one: Replicate, arm: str) -> Arena:
    taken = {name: {"train": one[name]} for name in ("baseline", "again", arm)}
    return Arena("baseline", taken, frozenset({"again"}))


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
    return [one[arm][moment] for moment in sorted(one[arm])]


# -- what is kept ------------------------------------------------------------------------------------------


def keep(replicates: Sequence[Replicate], path: Path) -> None:
    with gzip.open(path, "wt", encoding="ascii", newline="\n") as file:
        file.write("replicate,arm,invocation,round,seconds\n")
        for number, one in enumerate(replicates):
            for arm in ARMS:
                for (invocation, turn), seconds in sorted(one[arm].items()):
                    file.write(f"{number},{arm},{invocation},{turn},{seconds:.6g}\n")


def kept(path: Path) -> Iterator[Replicate]:
    """What `keep` wrote."""
    found: dict[int, dict[str, Samples]] = {}
    with gzip.open(path, "rt", encoding="ascii") as file:
        next(file)
        for line in file:
            number, arm, invocation, turn, seconds = line.split(",")
            arms = found.setdefault(int(number), {name: {} for name in ARMS})
            arms[arm][int(invocation), int(turn)] = float(seconds)
    yield from found.values()


def page(replicates: Sequence[Replicate]) -> str:
    count = len(replicates)
    invocations, rounds = (len({moment[i] for moment in replicates[0]["baseline"]}) for i in (0, 1))
    lines = [
        "# The same code, and three per cent more of it", "",
        f"{count} comparisons of {invocations} invocations of {rounds} rounds, one thread, float32, on {machine()}. Made by "
        "`python -m tests.evidence.same_code`; the samples are in the file beside this page.", "",
        "| rule | the same code is called different | 3 % slower is called slower | called faster |", "|---|--:|--:|--:|",
    ]  # fmt: skip
    for name, rule in RULES.items():
        same = Counter(rule(one, "same") for one in replicates)
        slower = Counter(rule(one, "slower") for one in replicates)
        lines.append(
            f"| {name} | {count - same['']} of {count} | {slower['slower']} of {count} | {slower['faster']} of {count} |"
        )
    ratios = [against(one, "slower") for one in replicates]
    noise = [arena(one, "same").noise("train") for one in replicates]
    covered = sum(r.low <= 1 + MORE / STEPS <= r.high for r in ratios)
    beyond = sum(abs(float(np.log(n))) > np.log(1.02) for n in noise)
    lines += ["", f"The median of the {count} ratios is {np.median([r.value for r in ratios]):.4f} (true: {1 + MORE / STEPS:.4f}, by the count of steps); "
              f"{covered} of {count} 95 % intervals hold it. The baseline beside itself was more than 2 % off in {beyond} of {count}: there samestep says that the run is unfit.", "",
              "The other rules get these interleaved samples too, not samples taken one after another.", ""]  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--again", action="store_true", help="judge the samples that are there already")
    parser.add_argument("--out", type=Path, default=MEASURING)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    samples = asked.out / "same-code.csv.gz"
    if not asked.again:
        keep(measured(asked.replicates), samples)
    (asked.out / "same-code.md").write_text(page(list(kept(samples))), encoding="utf-8")


if __name__ == "__main__":
    main()
