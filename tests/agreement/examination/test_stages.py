"""Mistakes are planted in rungs of every framework, and the examination must find and place them.

A planted rung is checked like a user's own file (`samestep check --file`), by the workers that check
everything else.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from samestep.agreement.verdict import Verdict
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell
from samestep.frameworks import Settings
from samestep.workers.judge import Judge
from samestep.workers.launcher import Launcher
from samestep.workers.process import JUDGE, RequestFailed, WorkerProcess
from tests.agreement.mistakes import MISTAKES, Mistake
from tests.agreement.mistakes_conv_net import CONV_NET
from tests.agreement.mistakes_not_finite import NOT_FINITE
from tests.agreement.mistakes_recurrent import RECURRENT
from tests.agreement.mistakes_training import TRAINING
from tests.agreement.mistakes_transformer import TRANSFORMER
from tests.agreement.mistakes_untrained import UNTRAINED
from tests.made.planting import planted

pytestmark = pytest.mark.slow

THREADS = min(2, len(os.sched_getaffinity(0)))
Check = Callable[[Mistake, Path, str], Verdict]

#: Each is planted in one of its dtypes, in turn.
LESSONS = (*UNTRAINED, *TRAINING, *CONV_NET, *TRANSFORMER, *RECURRENT[::5])
ALL = [(m, d) for m in (*MISTAKES, *NOT_FINITE) for d in m.dtypes]
ALL += [(m, m.dtypes[number % len(m.dtypes)]) for number, m in enumerate(LESSONS)]
EVERY = [pytest.param(m, d, id=f"{m}-{d}") for m, d in ALL]
HOSTS = {m.framework: m for m in reversed(MISTAKES)}.values()


@pytest.fixture(scope="session")
def examine(catalog: Catalog) -> Iterator[Check]:
    """The verdict on a file that stands in for a rung; a worker for each framework and dtype stays alive."""
    launcher = Launcher(catalog)
    workers: dict[tuple[str, str], WorkerProcess] = {}
    judge = Judge(lambda: WorkerProcess(Settings(threads=THREADS), serves=JUDGE))
    with ExitStack() as stack:
        stack.enter_context(judge)

        def verdict(mistake: Mistake, file: Path, dtype: str) -> Verdict:
            cell = Cell(
                mistake.workload, mistake.case, mistake.rung, mistake.framework, dtype, "cpu", "float32",
                THREADS, str(file),
            )  # fmt: skip
            key = mistake.framework, dtype
            if key not in workers:
                workers[key] = stack.enter_context(launcher.start(cell))
                launcher.open(workers[key], cell)
            try:
                return launcher.examine(judge, workers[key], cell).verdict
            except RequestFailed as failure:  # what the rung raised is its verdict
                return failure.verdict

        yield verdict


@pytest.mark.parametrize(("mistake", "dtype"), EVERY)
def test_a_mistake_is_seen_and_placed(mistake, dtype, tmp_path, catalog, need, examine):
    need(mistake.framework)
    source = catalog.implementation(mistake.workload, mistake.rung).path
    verdict = examine(mistake, planted(tmp_path, source, mistake.changes), dtype)
    assert verdict.verdict == mistake.verdict, verdict.reason
    assert mistake.found in verdict.reason
    if mistake.verdict == "disagree":
        assert verdict.first_divergence.tensor in verdict.reason


@pytest.mark.parametrize("mistake", RECURRENT, ids=str)  # most are planted by hand only
def test_every_mistake_can_be_planted(mistake, tmp_path, catalog):
    file = planted(tmp_path, catalog.implementation(mistake.workload, mistake.rung).path, mistake.changes)
    ast.parse(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: f"{host.workload}-{host.rung}")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_file_without_a_mistake_agrees(host, dtype, tmp_path, catalog, need, examine):
    need(host.framework)
    source = catalog.implementation(host.workload, host.rung).path
    verdict = examine(host, planted(tmp_path, source, {}), dtype)
    assert verdict.verdict == "agree", verdict.reason


def test_a_text_that_is_not_there_once_plants_nothing(tmp_path, catalog):
    source = catalog.implementation("two_layer", "numpy_manual").path
    for old in ("no such line", "state"):
        with pytest.raises(LookupError, match="choose another"):
            planted(tmp_path, source, {old: "x"})
    assert not list(tmp_path.iterdir())


def check(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "samestep", "check", "two_layer:tiny", "--file", str(file), "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_line_says_where_a_file_first_goes_wrong(tmp_path, catalog):
    source = catalog.implementation("two_layer", "numpy_manual").path
    done = check(planted(tmp_path, source, {"grad_w1 = x.T @ grad_h": "grad_w1 = 2 * x.T @ grad_h"}))
    cells = json.loads(done.stdout)["cells"]
    assert done.returncode == 1
    assert [(cell["dtype"], cell["verdict"]) for cell in cells] == [
        ("float32", "disagree"),
        ("float64", "disagree"),
    ]
    for cell in cells:
        place = {name: cell["first_divergence"][name] for name in ("step", "task", "tensor", "test")}
        assert place == {"step": 0, "task": "trace", "tensor": "grad_w1", "test": "certificate"}
        assert cell["first_divergence"]["error"] > cell["first_divergence"]["limit"]


def test_the_command_line_agrees_with_the_same_file_without_it(tmp_path, catalog):
    done = check(planted(tmp_path, catalog.implementation("two_layer", "numpy_manual").path, {}))
    assert done.returncode == 0
    assert {cell["verdict"] for cell in json.loads(done.stdout)["cells"]} == {"agree"}
