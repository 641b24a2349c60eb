"""What is done with a port file in a worker's process: its models are made here, and compared here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from samestep.catalog.catalog import Catalog
from samestep.workers.port_requests import (
    ExaminePort,
    LimitsMeasured,
    MeasureLimits,
    PortExamined,
    RecordReference,
    WriteWeights,
    Written,
)

if TYPE_CHECKING:
    from samestep.ports.port_catalog import PortCatalog
    from samestep.ports.port_file import PortFile


def examine_port(catalog: Catalog, request: ExaminePort) -> PortExamined:
    """Compare a side of a port file with its reference. Raises as `samestep.ports.compared.compared`."""
    from samestep.ports.compared import compared, replayed  # with the engines, which timing does not need

    one = request.subject
    port = _port(catalog, one.workload)
    if request.record is None:
        return PortExamined(*compared(port, one.implementation, one.seed, request.thorough))
    return PortExamined(*replayed(port, one.implementation, request.record, one.weights, request.thorough))


def measure_limits(catalog: Catalog, request: MeasureLimits) -> LimitsMeasured:
    """Measure how large correct errors of the reference are."""
    from samestep.ports.compared import limits_of

    found = limits_of(_port(catalog, request.subject.workload), request.subject.seed, request.replicas)
    return LimitsMeasured(
        str(found),
        [{str(name): value for name, value in row.items()} for row in found.tensors.to_dict("records")],
    )


def write_weights(catalog: Catalog, request: WriteWeights) -> Written:
    """Write the weights of the reference, for its candidates in other processes."""
    from samestep.ports.building import write_weights as write

    write(_port(catalog, request.subject.workload), request.path)
    return Written()


def record_reference(catalog: Catalog, request: RecordReference) -> Written:
    """Record the reference, and write the weights that it has there."""
    from samestep.ports.compared import record_reference as record

    one = request.subject
    port = _port(catalog, one.workload)
    record(port, one.implementation, one.seed, request.record, request.weights)
    return Written()


def _port(catalog: Catalog, workload: str) -> PortFile:
    return cast("PortCatalog", catalog).ports[workload]
