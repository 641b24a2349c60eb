"""linear_regression: losses and gradients of fifteen points come out of every rung as they are printed."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

import numpy as np
import pytest

from samestep.agreement.limits import REPLICAS, elementwise_limit
from tests.tutorials.published import PUBLISHED, framework_of, half_a_unit
from tests.tutorials.training import CATALOG, Trained, reference_at, rungs

ASK = ("worked_example", "train", 32)
PRINTED = PUBLISHED["linear_regression"]
# One step, then 31 more; the loss is printed, from float32, at the start of the loop's steps 0, 10, 20 and 30
PRINTS = dict(zip((1, 11, 21, 31), PRINTED["losses"], strict=True))
trained = Trained("linear_regression", ASK)


def test_the_points_are_those_of_the_tutorial():
    from samestep.impls.linear_regression import spec

    assert [Decimal(str(v)) for v in spec.X] == PRINTED["x"]
    assert [Decimal(str(v)) for v in spec.Y] == PRINTED["y"]
    assert Decimal(str(spec.W)) == PRINTED["w0"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rung", rungs("linear_regression"))
def test_the_first_loss_and_gradients_come_out(rung, dtype, need):
    need(framework_of(rung))
    seen = trained(rung, dtype, *ASK)
    for value, print_ in (
        (seen["losses"][0], PRINTED["loss0"]),
        (seen["grad_w"], PRINTED["grads0"]["w"]),
        (seen["grad_b"], PRINTED["grads0"]["b"]),
    ):
        assert Decimal(float(value)).quantize(print_) == print_


@cache
def expected() -> tuple[np.ndarray, np.ndarray]:
    """Return the losses, and the limit of correct float32 code, which an implementation is held to."""
    reference, point = reference_at("linear_regression", "worked_example", "float32", 32)
    spread = reference.spreads("train", point, REPLICAS)["losses"]
    return reference.exact("train", point).outputs["losses"], elementwise_limit(
        REPLICAS
    ) * spread.sigma.astype(np.float64)


@pytest.mark.parametrize("rung", rungs("linear_regression"))
def test_the_losses_come_out(rung, need):
    need(framework_of(rung))
    losses = trained(rung, "float32", *ASK)["losses"]
    exact, limit = expected()
    assert (np.abs(losses - exact) <= limit).all()
    for step, print_ in PRINTS.items():
        # The tutorial's float32 may have erred as far as ours
        assert abs(Decimal(float(losses[step])) - print_) <= half_a_unit(print_) + 2 * Decimal(limit[step])


def test_the_prints_are_those_steps_and_no_others():
    exact, limit = expected()
    for step, print_ in PRINTS.items():
        near = [n for n, loss in enumerate(exact) if abs(Decimal(loss) - print_) <= Decimal(limit[n])]
        assert near == [step]


def test_the_case_makes_as_many_steps_as_the_tutorial():
    assert CATALOG.spec("linear_regression").cases["worked_example"].numbers["steps"] == 1 + 31
