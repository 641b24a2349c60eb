"""A candidate of a port file compared with its reference: the verdict of its cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from samestep.agreement.verdict import AGREE, CRASHED, WEAKER, Verdict
from samestep.models.calls import compare, limits
from samestep.models.honest_limits import HonestLimits
from samestep.models.record_calls import params_in, record, replay
from samestep.models.result import Result
from samestep.models.subject import ModelError
from samestep.ports.building import (
    NotBuilt,
    build_candidate,
    build_reference,
    loss_of,
    optimizer_of,
    params_of,
    read_weights,
    write_weights,
)
from samestep.ports.port_file import PortFile, Side
from samestep.ports.reading import beside
from samestep.ports.sides import at
from samestep.records.check_results import PortResult


def compared(
    port: PortFile, name: str, seed: int, thorough: bool = True
) -> tuple[Verdict, PortResult | None]:
    """Compare a side of a port file with its reference, which may be the reference itself: return the verdict
    and the result, None where there was nothing to compare.

    Without ``thorough`` no variants of the inputs are asked. Raises SamestepError where the reference cannot
    be made, and `samestep.frameworks.Unavailable` where a package is missing.
    """
    side, reference = port.side(name), build_reference(port)
    try:
        candidate = reference if side is port.reference else build_candidate(port, side, params_of(reference))
        with beside(port.path):
            result = compare(candidate, reference, variants=thorough, **_asked(port, side, seed))
    except (NotBuilt, ModelError) as error:
        return Verdict(CRASHED, str(error)), None
    return _found(result)


def record_reference(port: PortFile, name: str, seed: int, path: Path, weights: Path) -> None:
    """Write the record of the reference that a side will be compared with, and the weights that it has there.

    Raises SamestepError where it cannot be recorded.
    """
    side, asked = port.side(name), _asked(port, port.reference, seed)
    reference = build_reference(port)
    write_weights(port, weights, reference)
    with beside(port.path):
        record(
            reference, asked["inputs"], path, loss=loss_of(port, port.reference), targets=asked["targets"],
            optimizer=optimizer_of(port, port.reference), seed=seed, contract=_recorded(side.mark.contract),
        )  # fmt: skip


def _recorded(contract: str | None) -> str | None:
    """Return the contract of a reference: whatever is right may be weaker, which is said of a candidate."""
    return None if contract == WEAKER else contract


def replayed(
    port: PortFile, name: str, record: Path, weights: Path | None, thorough: bool = True
) -> tuple[Verdict, PortResult | None]:
    """Compare a candidate with a recorded reference; it is made with the ``weights`` that came with it, else
    with those of the record.

    Returns and raises as `compared` does.
    """
    side = port.side(name)
    loss = loss_of(port, side)
    try:
        candidate = build_candidate(port, side, read_weights(weights) if weights else params_in(record))
        with beside(port.path):
            result = replay(
                candidate, record, variants=thorough, loss=None if isinstance(loss, str) else loss,
                convert=side.mark.convert or port.convert, convert_state=port.convert_state,
                layers=side.mark.layers or port.layers, optimizer=optimizer_of(port, side),
                contract=side.mark.contract,
            )  # fmt: skip
    except (NotBuilt, ModelError) as error:
        return Verdict(CRASHED, str(error)), None
    return _found(result)


def limits_of(port: PortFile, seed: int, replicas: int) -> HonestLimits:
    """Return the limits of a port file's reference. Raises SamestepError where it has none."""
    asked = _asked(port, port.reference, seed)
    with beside(port.path):
        return limits(
            build_reference(port), asked["inputs"], loss=asked["loss"], targets=asked["targets"],
            seed=seed, replicas=replicas,
        )  # fmt: skip


def _asked(port: PortFile, side: Side, seed: int) -> dict[str, Any]:
    """Return what `samestep.compare` is asked, by its keywords."""
    inputs, targets = port.drawn(np.random.default_rng(seed))
    mine, theirs = loss_of(port, side), loss_of(port, port.reference)
    own = side is port.reference
    return {
        "inputs": inputs,
        "targets": targets,
        "loss": mine if isinstance(mine, str | None) and mine == theirs else (mine, theirs),
        "optimizer": _optimizers(port, side),
        "convert": None if own else side.mark.convert or port.convert,
        "convert_state": None if own else port.convert_state,
        "layers": None if own else side.mark.layers or port.layers,
        "contract": side.mark.contract,
        "seed": seed,
    }


def _optimizers(port: PortFile, side: Side) -> tuple[object, object] | None:
    both = optimizer_of(port, side), optimizer_of(port, port.reference)
    if None not in both:
        return both
    if both != (None, None):
        has, lacks = (side, port.reference) if both[1] is None else (port.reference, side)
        raise at(port.path, has.lines[0], f"{has.name} has an optimizer=, and {lacks.name} has none")
    return None


def _found(result: Result) -> tuple[Verdict, PortResult]:
    return _verdict(result), PortResult(str(result), result.explain(), json.loads(result.to_json()))


def _verdict(result: Result) -> Verdict:
    """Return the verdict of a cell: one that is as weak as declared agrees, and a note says so."""
    first, *lines = str(result).split("\n")
    if result.verdict == WEAKER and result.passed:
        return Verdict(AGREE, notes=(first,))
    if result.verdict == AGREE:
        return Verdict(AGREE)
    reason = first.removeprefix(f"{result.verdict}: ")
    return Verdict(result.verdict, reason, diagnosis=result.diagnosis, notes=[line.strip() for line in lines])
