"""What a person calls from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, overload

from samestep.agreement.examination.native_candidate import NativeCandidate
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Options
from samestep.catalog.inputs import check_inputs
from samestep.catalog.selection import select
from samestep.errors import SamestepError
from samestep.frameworks import Adapter, Unavailable
from samestep.spec import Inputs
from samestep.workers.launcher import settings_of
from samestep.workers.open_candidate import open_candidate
from samestep.workers.raw_requests import Subject

C = TypeVar("C", bound=NativeCandidate)


@overload
def open_cell(
    selector: str, *, dtype: str = ..., device: str = ..., threads: int = ..., matmul: str = ...,
    seed: int = ..., roots: Sequence[Path] = ..., file: Path | None = ..., inputs: Inputs | None = ...,
) -> NativeCandidate: ...  # fmt: skip


@overload
def open_cell(
    selector: str, *, dtype: str = ..., device: str = ..., threads: int = ..., matmul: str = ...,
    seed: int = ..., roots: Sequence[Path] = ..., file: Path | None = ..., inputs: Inputs | None = ...,
    kind: type[C],
) -> C: ...  # fmt: skip


def open_cell(
    selector: str,
    *,
    dtype: str = "float32",
    device: str = "cpu",
    threads: int = 1,
    matmul: str = "float32",
    seed: int = 0,
    roots: Sequence[Path] = (),
    file: Path | None = None,
    inputs: Inputs | None = None,
    kind: type[NativeCandidate] = NativeCandidate,
) -> NativeCandidate:
    """Return one cell as a candidate, an implementation with NumPy arrays in and out.

    ``selector`` names one implementation on one case, ``two_layer:tiny/torch_nn``; a workload with one
    default case needs no case. ``roots`` are further folders of workloads, ``file`` an implementation outside
    of them. ``inputs`` are arrays of the shapes that the spec asks for; without them the case's own are drawn
    from the seed. Floating arrays are rounded to ``dtype``. ``kind`` is the class of the candidate. The
    framework is imported into this process, and configured for ``dtype``, ``device``, ``threads`` and
    ``matmul``, which some frameworks take once only.

    Raises SamestepError where the selector is not valid, or means no cell or several, or a spec is wrong;
    `samestep.frameworks.Unavailable` where the framework is not installed or does not support the settings;
    and `samestep.data.DataMissing` where the case's data set is not here.

    >>> candidate = open_cell("two_layer:tiny/numpy_manual")
    >>> state = candidate.adopt(candidate.params)
    """
    catalog = Catalog(roots)
    options = Options(dtypes=(dtype,), devices=(device,), matmul=matmul, threads=threads)
    cells = select(catalog, [selector], options, file)
    if len(cells) > 1:
        meant = ", ".join(f"{cell.of_case}/{cell.implementation}" for cell in cells[:3])
        more = ", ..." if len(cells) > 3 else ""
        raise SamestepError(f"{selector!r} means {len(cells)} cells: name one of {meant}{more}")
    (cell,) = cells
    if inputs is None:
        check_inputs(catalog, cell.workload, cell.case, seed)
    if missing := catalog.missing(cell.framework):
        raise Unavailable(missing)
    settings = settings_of(cell)
    adapter: Adapter = catalog.load_adapter(cell.framework).Adapter(settings)
    subject = Subject(cell.workload, cell.implementation, cell.case, seed, file)
    return open_candidate(catalog, adapter, settings, subject, kind, inputs)
