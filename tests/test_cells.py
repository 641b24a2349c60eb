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
#: A hundred replicas of a long loop, or of images, take a minute: such workloads are checked at these sizes,
#: and at their own by `samestep check`.
SMALLER = {
    "conv_net": "[batch=8,channels=2]",
    "dynamic_net": "[batch=8,d_in=40,hidden=12,steps=40]",
    "mnist_mlp": "[batch=40,hidden=24]",
    "nn_variants": "[batch=8,d_in=30,width=20]",
    "recurrent": "[batch=4,steps=4,hidden=8]",
    "transformer_block": "[batch=3,length=6,vocabulary=11,heads=2,head_width=4]",
}
#: Compiling these takes a minute: each implementation is checked in one dtype of each case, in turn.
ONE_DTYPE = {"conv_net", "dynamic_net", "nn_variants", "recurrent", "transformer_block"}


def _is_its_turn(cell: Cell) -> bool:
    cases = [name for name, case in CATALOG.spec(cell.workload).cases.items() if case.default]
    names = [one.name for one in CATALOG.implementations(cell.workload)]
    place = cases.index(cell.case) + names.index(cell.implementation) + OPTIONS.dtypes.index(cell.dtype)
    return place % 2 == 0


CELLS = [
    replace(cell, case=cell.case + SMALLER.get(cell.workload, ""))
    for cell in select(CATALOG, ["*", "two_layer:tiny"], OPTIONS)
    if cell.workload not in ONE_DTYPE or _is_its_turn(cell)
]
#: The full data set, once: at their own width all of them are `samestep check mnist_mlp:fashion`, and every
#: framework trains on it in tests/tutorials/test_fashion.py.
FULL = select(CATALOG, ["mnist_mlp:fashion[hidden=16]/torch_manual"], Options(dtypes=("float32",), threads=1))


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
def test_agrees_on_a_full_data_set(cell, verdicts, need):
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
