"""What a person calls where two sides cannot be in one process: record here, replay there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from samestep.agreement.arithmetic.program import Refused
from samestep.models.asked import Asked, Inputs, ask
from samestep.models.calls import OWN_ERROR_STATE
from samestep.models.compare_dtypes import compare_in_dtypes
from samestep.models.opening import open_subject
from samestep.models.options import (
    Convert,
    LayerNames,
    Options,
    at_least,
    contract_of,
    dtypes_of,
    function_of,
    layers_of,
    refuse_tolerances,
)
from samestep.models.progress_bar import progress
from samestep.models.question import Loss
from samestep.models.record_parts import Wanted, recorded_parts
from samestep.models.recorded.made_with import Made, device_of
from samestep.models.recorded.record_file import About, Record, read_record
from samestep.models.recorded.trimmed import trimmed
from samestep.models.recording import Recording
from samestep.models.result import Result
from samestep.models.subject import ModelError

KEYWORDS_OF_RECORD = (
    "loss", "targets", "optimizer", "steps", "contract", "dtypes", "replicas", "seed", "variants",
)  # fmt: skip
KEYWORDS_OF_REPLAY = (
    "loss", "convert", "convert_state", "layers", "optimizer", "contract", "strict", "variants", "msg",
)  # fmt: skip


@OWN_ERROR_STATE
def record(
    reference: object,
    inputs: Inputs,
    path: str | Path,
    *,
    loss: object = None,
    targets: object = None,
    optimizer: object = None,
    steps: int = 3,
    contract: str | None = None,
    dtypes: Sequence[str] = ("float32",),
    replicas: int = 24,
    seed: int = 0,
    variants: bool = True,
    **unknown: object,
) -> Path:
    """Write to ``path`` what ``reference`` computes, for `replay` where it cannot run; return the path.

    The file holds inputs, parameters, exact values and how far rounding scatters each, of outputs, layers and
    gradients, and where it was made; no code and no pickle, under a checksum. The arguments are those of
    `samestep.compare`, of the reference alone: ``loss`` is a name or the reference's function of (outputs,
    targets), ``optimizer`` the reference's, whose ``steps`` are recorded too.

    Raises `samestep.ModelError` in one line for what cannot be recorded, and `samestep.SamestepError` where
    the file cannot be written.
    """
    refuse_tolerances(unknown, KEYWORDS_OF_RECORD)
    declared, _ = contract_of(contract)
    seed = at_least(seed, 0, "seed")
    asked = ask(inputs, (loss, loss) if callable(loss) else loss, targets, seed).reference
    subject = open_subject(reference, "reference")
    wanted = Wanted(dtypes_of(dtypes), optimizer, at_least(steps, 1, "steps"), variants)
    try:
        with progress("record") as report:
            recording = Recording(at_least(replicas, 8, "replicas"), seed, declared, report)
            parts = recorded_parts(subject, asked, recording, wanted)
    except Refused as refused:
        raise ModelError(f"the reference cannot be interpreted: {refused}") from refused
    parts, left_out = trimmed(parts)
    about = About(
        Made.here(device_of(reference)), subject.framework, subject.describe(), tuple(subject.frozen()),
        declared.value, seed, recording.replicas, asked.keywords, _name(asked.loss), callable(asked.loss),
        left_out,
    )  # fmt: skip
    Record(about, asked.inputs, asked.targets, parts).write(path)
    return Path(path)


@OWN_ERROR_STATE
def replay(
    candidate: object,
    path: str | Path,
    *,
    loss: Callable[..., object] | None = None,
    convert: Convert | None = None,
    convert_state: Convert | None = None,
    layers: LayerNames | None = None,
    optimizer: object = None,
    contract: str | None = None,
    strict: bool = False,
    variants: bool = True,
    msg: str | None = None,
    **unknown: object,
) -> Result:
    """Return whether ``candidate`` computes what was recorded in ``path``, as `samestep.compare` would.

    Inputs, targets, seeds and dtypes are the record's. ``loss`` is the candidate's function, where a function
    was recorded, and ``optimizer`` the candidate's, where steps were. The other arguments are those of
    `samestep.compare`; ``contract`` is the recorded one, or "weaker".

    A record cannot go on from the candidate's own values: no layer is looked at by itself, and no mistake is
    fitted there. Raises `samestep.ModelError` as `compare` does, and `samestep.SamestepError` for a file that
    is no record.
    """
    refuse_tolerances(unknown, KEYWORDS_OF_REPLAY)
    found = read_record(path)
    about, subject = found.about, found.subject
    declared, weaker = contract_of(about.contract if contract is None else contract)
    if declared is not subject.contract:
        raise ModelError(f"the record was made with contract={about.contract!r}: record it with {contract!r}")
    has_steps = found.parts[0].steps is not None
    if optimizer is not None and not has_steps:
        raise ModelError("optimizer= is given and the record has no steps: record it with optimizer=")
    options = Options(
        function_of(convert, "convert"), function_of(convert_state, "convert_state"), layers_of(layers),
        None if optimizer is None else (optimizer, None), 1, declared, weaker, about.replicas, about.seed,
        strict, False, variants, msg, tuple(part.dtype for part in found.parts),
    )  # fmt: skip
    theirs, mine = _recorded_loss(about), _candidates_loss(about, loss)
    asked = Asked(found.question(mine), found.question(theirs))
    with progress("replay") as report:
        result = compare_in_dtypes(open_subject(candidate, "candidate"), subject, asked, options, report)
    return _with_origin(result, about, has_steps and optimizer is None)


def params_in(path: str | Path) -> dict[str, np.ndarray]:
    """Return the parameters and state of a recorded reference by name. Raises `SamestepError`."""
    subject = read_record(path).subject
    return {**subject.parameters(), **subject.state()}


def _with_origin(result: Result, about: About, steps_left: bool) -> Result:
    """The result with where its reference was recorded, and what of the record was not asked."""
    coverage = result.coverage
    not_asked = [*coverage.not_asked, *(f"{what} (left out of the record)" for what in about.left_out)]
    if steps_left:
        not_asked.append("optimiser steps: the record has them, pass optimizer=")
    notes = (f"the reference was recorded with {about.made}", *coverage.notes)
    return replace(result, coverage=replace(coverage, not_asked=tuple(not_asked), notes=notes))


def _name(loss: Loss | None) -> str | None:
    if loss is None or isinstance(loss, str):
        return loss
    return getattr(loss, "__name__", type(loss).__name__)


def _recorded_loss(about: About) -> Loss | None:
    """What stands for the recorded loss: its name, or a function of that name which nobody calls."""
    if about.loss is None or not about.own_loss:
        return about.loss

    def loss(outputs: object, targets: object) -> object:
        raise ModelError(f"the record holds what {about.loss} gives, and not its code")

    loss.__name__ = about.loss
    return loss


def _candidates_loss(about: About, loss: object) -> Loss | None:
    if loss is None:
        if about.own_loss:
            raise ModelError(f"the record has a loss of its own, {about.loss}: pass loss=, the candidate's")
        return about.loss
    if not callable(loss):
        raise ModelError(
            f"loss= is a {type(loss).__name__}, not the candidate's function of (outputs, targets)"
        )
    if about.loss is None:
        raise ModelError("loss= is given and the record has none: record it with loss=")
    return loss
