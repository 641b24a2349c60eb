"""The inputs of a case: drawn from a seed, and checked before anything is computed with them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell
from samestep.catalog.global_generators import untouched
from samestep.catalog.input_arrays import check_arrays
from samestep.catalog.spec_calls import called
from samestep.catalog.spec_fields import Wrong, fails
from samestep.catalog.spec_file import in_file
from samestep.data import DataError, load
from samestep.errors import SamestepError
from samestep.spec import Case, Inputs, Spec

if TYPE_CHECKING:
    from samestep.spec import Arrays


def draw_inputs(spec: Spec, case: Case, seed: int) -> Inputs:
    """Return the params and arrays of a case by name, in float64: drawn from the seed, or from its data set.

    Raises `samestep.data.DataMissing` where the data set is not here.
    """
    return spec.make_inputs(case, np.random.default_rng(seed), _dataset(case))


def with_sound_inputs(catalog: Catalog, cells: Sequence[Cell], seed: int) -> list[Cell]:
    """Return the cells of the workloads whose inputs are right at every selected case.

    The others go to the catalog's `left_out`. Raises SamestepError where no cell is left.
    """
    for workload, case in dict.fromkeys((cell.workload, cell.case) for cell in cells):
        if workload not in catalog.left_out:
            try:
                check_inputs(catalog, workload, case, seed)
            except SamestepError as error:
                catalog.left_out[workload] = error
    left = [cell for cell in cells if cell.workload not in catalog.left_out]
    if not left:
        raise next(iter(catalog.left_out.values()))
    return left


def check_inputs(catalog: Catalog, workload: str, case: str, seed: int) -> None:
    """See that ``make_inputs`` of a case gives what the spec says, and the same again from the same seed.

    Nothing is drawn where the case's data set is not here, nor of samestep's own workloads, which its tests
    hold. Raises SamestepError, in one line with the file, for whatever is wrong.
    """
    if catalog.is_built_in(workload):
        return
    spec = catalog.spec(workload)
    what = f"make_inputs at case {case}"
    try:
        check_drawn(what, spec, catalog.read_again(workload), case, seed)
    except Wrong as wrong:
        raise in_file(catalog.specification(workload), wrong) from wrong


def check_drawn(what: str, spec: Spec, read_again: Spec, name: str, seed: int) -> None:
    """Raise `Wrong` where the inputs of a case are not what the spec says, or not the same again.

    ``what`` names the call, ``read_again`` is the spec from another run of its file.
    """
    case = spec.case(name)
    try:
        dataset = _dataset(case)
    except DataError:
        return  # its cells say so
    inputs = _drawn(what, spec, case, seed, dataset)
    check_arrays(what, spec, case, inputs)
    first = _digest(inputs)
    del inputs  # one draw at a time: a large case fills the memory
    for other, when in ((spec, "called again"), (read_again, "the file is read again")):
        if _digest(_drawn(what, other, case, seed, dataset)) != first:
            raise Wrong(f"{what} gives other values when {when} with the same rng: draw everything from rng")


def _drawn(what: str, spec: Spec, case: Case, seed: int, dataset: Arrays | None) -> Inputs:
    with untouched(what, ": draw from rng, which the seed determines"):
        inputs = called(what, spec.make_inputs, case, np.random.default_rng(seed), dataset)
    if not isinstance(inputs, Inputs):
        raise fails(f"what {what} returns", inputs, "a samestep.spec.Inputs(params=..., arrays=...)")
    return inputs


def _dataset(case: Case) -> Arrays | None:
    return load(case.dataset) if case.dataset else None


def _digest(inputs: Inputs) -> str:
    """Return a hash of all names, dtypes, shapes and values."""
    found = hashlib.blake2b()
    for arrays in (inputs.params, inputs.arrays):
        for name, array in arrays.items():
            found.update(f"{name} {array.dtype} {array.shape}".encode())
            found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
