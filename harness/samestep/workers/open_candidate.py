"""From a name to a candidate: an implementation on the inputs of a case, in the process of its framework."""

from __future__ import annotations

from types import ModuleType
from typing import TypeVar

from samestep.agreement.examination.native_candidate import NativeCandidate
from samestep.catalog.catalog import Catalog
from samestep.catalog.inputs import draw_inputs
from samestep.errors import SamestepError
from samestep.frameworks import Adapter, Settings
from samestep.spec import Inputs
from samestep.workers.failures import lacks_a_package, one_line
from samestep.workers.raw_requests import Subject

C = TypeVar("C", bound=NativeCandidate)


def open_candidate(
    catalog: Catalog,
    adapter: Adapter,
    settings: Settings,
    subject: Subject,
    kind: type[C],
    inputs: Inputs | None = None,
) -> C:
    """Return an implementation on its inputs: those of its case, drawn from the subject's seed, or others.

    Raises SamestepError where a file of the user's cannot be imported, and whatever an implementation of the
    catalog raises when it is.
    """
    spec = catalog.spec(subject.workload)
    case = spec.case(subject.case)
    if inputs is None:
        inputs = draw_inputs(spec, case, subject.seed)
    return kind(load_module(catalog, subject), adapter, settings, spec, case, inputs)


def load_module(catalog: Catalog, subject: Subject) -> ModuleType:
    """Import an implementation. Raises as `open_candidate` does."""
    rung = catalog.implementation(subject.workload, subject.implementation, subject.file)
    try:
        return catalog.load(rung, subject.weights, subject.seed)
    except Exception as error:
        if subject.file is None or lacks_a_package(error):
            raise
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise SamestepError(f"{subject.file} cannot be loaded: {reason}") from error
