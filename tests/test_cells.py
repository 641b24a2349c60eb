"""One test body over every cell of the catalog: does this implementation agree with its reference?"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from samestep import data
from samestep.agreement.verdict import Verdict
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell, Options
from samestep.catalog.selection import select
from samestep.jobs.check import Examination, check
from samestep.workers.launcher import Launcher

OPTIONS = Options(dtypes=("float32", "float64"), threads=1)  # one worker for each processor at a time
CATALOG = Catalog()
#: A hundred replicas of a long loop, or of images, take a minute: such workloads are checked at these sizes.
SMALLER = {
    "conv_net": "[batch=8,channels=2]",
    "recurrent": "[batch=4,steps=4,hidden=8]",
    "transformer_block": "[batch=3,length=6,vocabulary=11,heads=2,head_width=4]",
}
#: Compiling these takes a minute: each implementation is checked in one dtype here, in turn.
ONE_DTYPE = {"conv_net", "recurrent", "transformer_block"}
CELLS = [
    replace(cell, case=cell.case + SMALLER.get(cell.workload, ""))
    for number, cell in enumerate(select(CATALOG, ["*", "two_layer:tiny"], OPTIONS))
    if cell.workload not in ONE_DTYPE or number % 4 in (0, 3)
]
ON_FULL_DATA = select(CATALOG, ["mnist_mlp:fashion"], Options(dtypes=("float32",), threads=1))
#: One of each framework, which takes a minute: all of them are `samestep check mnist_mlp:fashion`.
FULL = list({cell.framework: cell for cell in reversed(ON_FULL_DATA)}.values())


def each(cells: list[Cell]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("cell", cells, ids=lambda cell: f"{cell.workload}:{cell.case}/"
                                   f"{cell.implementation}-{cell.dtype}")  # fmt: skip


@pytest.fixture(scope="session")
def verdicts(request: pytest.FixtureRequest) -> dict[Cell, Verdict]:
    """Every cell that this session is about to ask for, examined in one go."""
    asked = [item for item in request.session.items if "verdicts" in getattr(item, "fixturenames", ())]
    cells = [item.callspec.params["cell"] for item in asked]
    found: dict[Cell, Verdict] = {}

    def on_result(one: Examination) -> None:
        found[one.cell] = one.verdict

    check(Launcher(CATALOG), [cell for cell in cells if _is_here(_dataset(cell))], on_result)
    return found


def _dataset(cell: Cell) -> str | None:
    return CATALOG.spec(cell.workload).case(cell.case).dataset


@cache
def _is_here(dataset: str | None) -> bool:
    try:
        return dataset is None or bool(data.load(dataset))
    except data.DataMissing:
        return False


@pytest.mark.process
@pytest.mark.slow
@each(CELLS)
def test_agrees(cell, verdicts, need):
    need(cell.framework)
    assert verdicts[cell].verdict == "agree", verdicts[cell].reason


@pytest.mark.process
@pytest.mark.slow
@each(FULL)
def test_agrees_on_the_full_data_sets(cell, verdicts, need):
    need(cell.framework)
    if cell not in verdicts:
        pytest.skip(f"{cell.case} is not here: samestep data fetch")
    assert verdicts[cell].verdict == "agree", verdicts[cell].reason


def test_every_workload_has_a_default_case():
    assert {cell.workload for cell in CELLS} == set(CATALOG.workloads)


def test_what_is_missing_is_skipped_unless_it_was_asked_for(need, monkeypatch):
    for required in ("", "torch,jax"):
        monkeypatch.setenv("SAMESTEP_REQUIRE", required)
        with pytest.raises(pytest.skip.Exception, match="no adapter"):
            need("abacus")
    for required in ("all", "torch,abacus"):
        monkeypatch.setenv("SAMESTEP_REQUIRE", required)
        with pytest.raises(pytest.fail.Exception, match="asks for it"):
            need("abacus")
