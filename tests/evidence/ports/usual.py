"""What the checks that people use make of the same port: both sides in float32, outputs and gradients."""

from __future__ import annotations

import numpy as np

from samestep.agreement.arithmetic.program import Contract
from samestep.models.asked import ask
from samestep.models.comparison import compare_once
from samestep.models.judging import Comparison
from samestep.models.opening import open_subject
from samestep.models.options import Options
from samestep.models.prepare import prepare
from samestep.models.tensors import Role, Tensors
from tests.evidence.ports.port import Case
from tests.evidence.usual_checks import CHECKS, coarse

#: The hand-set tolerances, and the ratio against a run of the reference in bfloat16.
BF16 = "no worse than bf16"
USUAL = ("np.allclose", "torch.testing.assert_close", "1e-3", BF16)
ROLES = (Role.OUTPUT, Role.LOSS, Role.GRADIENT, Role.INPUT_GRADIENT)


def usual_checks(case: Case, seed: int) -> dict[str, bool]:
    """Return by check whether it notices a difference in any output or gradient.

    The tensors are paired as samestep pairs them; the checks by themselves would need a mapping by hand.
    """
    comparison = _compared(case, seed)
    got = comparison.links.comparable(comparison.run.tensors)
    reference = comparison.sides.reference
    expected = comparison.links.apply(reference.run(comparison.asked.reference))
    keys = [key for key in expected if key in got and key.role in ROLES and got[key].dtype.kind == "f"]
    pairs = [(got[key], expected[key]) for key in keys]
    return {
        "np.allclose": not all(CHECKS["np.allclose"](*pair) for pair in pairs),
        "torch.testing.assert_close": not all(CHECKS["torch.testing.assert_close"](*pair) for pair in pairs),
        "1e-3": not all(coarse(*pair) for pair in pairs),
        BF16: not _no_worse_than_bf16(comparison, got, [key for key in keys if key.role is Role.OUTPUT]),
    }


def _compared(case: Case, seed: int) -> Comparison:
    keywords = dict(case.options)
    asked = ask(case.inputs, keywords.get("loss"), keywords.get("targets"), seed)
    options = Options(replicas=8, convert=keywords.get("convert"), layers=keywords.get("layers"))  # type: ignore[arg-type]
    sides = prepare(
        open_subject(case.candidate, "candidate"), open_subject(case.reference, "reference"), options
    )
    return compare_once(sides, asked, options, lambda done, total: None)


def _no_worse_than_bf16(comparison: Comparison, got: Tensors, keys: list) -> bool:
    """Whether the outputs are no further from the exact ones than a run in bfloat16 is."""
    program = comparison.sides.reference.program(comparison.asked.reference, Contract.BFLOAT16)
    program.exact()
    coarse, exact = comparison.links.apply(program.replica(1)), comparison.expected.exact
    return all(
        np.linalg.norm(got[key] - exact[key]) <= np.linalg.norm(coarse[key] - exact[key]) for key in keys
    )
