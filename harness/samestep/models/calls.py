"""What a person calls: compare, assert_agreement, limits."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from samestep.agreement.arithmetic.program import Refused
from samestep.models.asked import Inputs, ask
from samestep.models.compare_dtypes import compare_in_dtypes
from samestep.models.expected import measure_expected
from samestep.models.honest_limits import HonestLimits, honest_limits
from samestep.models.opening import open_subject
from samestep.models.options import (
    KEYWORDS_OF_LIMITS,
    Convert,
    LayerNames,
    Options,
    at_least,
    contract_of,
    dtypes_of,
    function_of,
    layers_of,
    pair_of,
    refuse_tolerances,
)
from samestep.models.progress_bar import progress
from samestep.models.result import AgreementError, NotExamined, Result
from samestep.models.runs import open_programs
from samestep.models.subject import ModelError

#: Noise and probes overflow and underflow on purpose: what the caller set with `np.seterr` is not for them.
OWN_ERROR_STATE = np.errstate(all="ignore")


@OWN_ERROR_STATE
def compare(
    candidate: object,
    reference: object,
    inputs: Inputs,
    *,
    loss: object = None,
    targets: object = None,
    convert: Convert | None = None,
    convert_state: Convert | None = None,
    layers: LayerNames | None = None,
    optimizer: object = None,
    steps: int = 3,
    contract: str | None = None,
    dtypes: Sequence[str] = ("float32",),
    replicas: int = 24,
    seed: int = 0,
    strict: bool = False,
    perturb: bool = False,
    variants: bool = True,
    msg: str | None = None,
    **unknown: object,
) -> Result:
    """Return whether ``candidate`` computes the same function as ``reference``, in honest arithmetic.

    Both are a torch.nn.Module, a Flax (Linen or NNX), Equinox or Keras model, a function on arrays, or a
    `samestep.Model`; they stay as they are, in the mode that they are in. ``inputs`` are an array, a tuple of
    arrays or a dict of arrays by keyword, the same for both.

    loss, targets
        Without a loss, gradients are those of one fixed random cotangent of the outputs. ``loss`` is a name
        ("cross_entropy", "mse", "l1", "binary_cross_entropy") or a pair of functions of (outputs, targets).
    convert, convert_state
        From the reference's parameters (a dict of NumPy arrays by name) to the candidate's, by name or
        nested; linear in each. The candidate is then compared with those values. Without it, the candidate
        has its weights already, and which is which is found from the values.
    layers
        Names of the candidate's layers to names of the reference's: ``{"block{i}/norm": "layers.{i}.ln"}``;
        a tuple for fused ones. Without it, layers are paired by their values.
    optimizer, steps
        A pair (candidate's, reference's): for PyTorch a function from parameters to a torch.optim optimizer,
        for JAX an optax transformation or an (init, update) pair, for Keras an optimizer.
    contract
        "tf32", "bfloat16", "float16": the arithmetic of matrix products that the candidate declares;
        "weaker": any arithmetic of the right function.
    dtypes
        Any of "float32" (both sides as they are), "bfloat16", "float16": in each of these the parameters,
        state and inputs of both sides are rounded to it, both run in it, and the worst verdict counts.
        Optimiser steps are asked in "float32" only.
    replicas, seed
        How many noisy runs of the reference sigma is estimated from, and the seed of all that is random.
    perturb
        Move the parameters of both sides by the same small amounts: zeros and ones hide mistakes.
    variants
        Ask again on inputs that are scaled and shifted, which shows what the given ones hide.
    strict, msg
        For `assert_agreement`: whether what cannot be examined fails, and a text before the message.

    Raises `samestep.ModelError` in one line for what cannot be run or compared, and TypeError for tolerances:
    limits are derived.
    """
    refuse_tolerances(unknown)
    declared, weaker = contract_of(contract)
    options = Options(
        function_of(convert, "convert"), function_of(convert_state, "convert_state"), layers_of(layers),
        pair_of(optimizer, "optimizer"), at_least(steps, 1, "steps"),
        declared, weaker, at_least(replicas, 8, "replicas"), at_least(seed, 0, "seed"), strict, perturb,
        variants, msg, dtypes_of(dtypes),
    )  # fmt: skip
    asked = ask(inputs, loss, targets, options.seed)
    sides = open_subject(candidate, "candidate"), open_subject(reference, "reference")
    with progress("compare") as report:
        return compare_in_dtypes(*sides, asked, options, report)


def assert_agreement(candidate: object, reference: object, inputs: Inputs, **options: object) -> None:
    """Raise `samestep.AgreementError`, an AssertionError, unless both compute the same function honestly.

    The arguments are those of `samestep.compare`. The error's text says where the difference begins, by how
    much, and what it looks like; its ``result`` is what `compare` returns. Where nothing could be examined,
    a `samestep.NotExamined` warning says why; with ``strict=True`` that is an error too.
    """
    __tracebackhide__ = True
    result = compare(candidate, reference, inputs, **options)  # type: ignore[arg-type]  # checked there
    if not result.passed:
        raise AgreementError(result)
    if result.verdict == "abstains":
        warnings.warn(str(result), NotExamined, stacklevel=2)


@OWN_ERROR_STATE
def limits(
    reference: object,
    inputs: Inputs,
    *,
    loss: object = None,
    targets: object = None,
    contract: str | None = None,
    replicas: int = 24,
    seed: int = 0,
    **unknown: object,
) -> HonestLimits:
    """Return how large the errors of correct float32 code are, for every tensor of ``reference``.

    The arguments are those of `samestep.compare`. What comes back prints itself: for each tensor its typical
    value, sigma, and the absolute tolerance that a test needs at least. Raises `samestep.ModelError` where
    the model cannot be interpreted, with the name of what cannot.
    """
    refuse_tolerances(unknown, KEYWORDS_OF_LIMITS)
    declared, _ = contract_of(contract)
    asked = ask(inputs, (loss, loss) if callable(loss) else loss, targets, seed)
    subject = open_subject(reference, "reference")
    try:
        with progress("limits") as report:
            programs = open_programs(subject, asked.reference, declared)
            expected = measure_expected(
                programs, dict, {}, at_least(replicas, 8, "replicas"), at_least(seed, 0, "seed"), report
            )
    except Refused as refused:
        raise ModelError(f"the reference cannot be interpreted: {refused}") from refused
    return honest_limits(expected, subject.describe(), declared, replicas)
