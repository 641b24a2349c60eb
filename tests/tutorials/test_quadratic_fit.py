"""quadratic_fit: the printed descent, where it stops, and the dots on the parabola come out of every rung."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

import pytest

from samestep.agreement.reference.run import Outcome
from tests.tutorials.published import PUBLISHED, framework_of, limit_of
from tests.tutorials.training import CATALOG, Trained, reference_at, rungs

PRINTED = PUBLISHED["quadratic_fit"]
BELOW = Decimal("1e-5")
# The tutorial makes a step before its loop, and prints what each of the loop's steps left behind
AFTER = {iteration: iteration + 2 for iteration, _, _ in PRINTED["every_10th"]}
LAST = PRINTED["stops_after_iterations"] + 1
PARABOLAS = {"parabola_slow": "0.1", "parabola_fast": "0.2"}

WHOLE = (("worked_example", "train", LAST + 1), *((case, "train", 16) for case in PARABOLAS))
#: By dtype: what a loop of each length leaves behind was printed in float64 only.
trained = {
    "float32": Trained("quadratic_fit", *WHOLE),
    "float64": Trained(
        "quadratic_fit",
        *(("worked_example", "train", steps) for steps in (*AFTER.values(), LAST)),
        *WHOLE,
    ),
}


@cache
def certificates(case: str, dtype: str, steps: int) -> Outcome:
    """The reference's training, with what a dtype may round on the way."""
    reference, point = reference_at("quadratic_fit", case, dtype, steps)
    return reference.bounds("train", point)


every_rung = pytest.mark.parametrize("rung", rungs("quadratic_fit"))


@every_rung
def test_the_descent_comes_out(rung, need):
    need(framework_of(rung))
    losses = trained["float64"](rung, "float64", "worked_example", "train", LAST + 1)["losses"]
    for iteration, loss, w in PRINTED["every_10th"]:
        steps = AFTER[iteration]
        assert Decimal(float(losses[steps])).quantize(Decimal("1e-6")) == loss
        after = trained["float64"](rung, "float64", "worked_example", "train", steps)["w"]
        assert Decimal(float(after)).quantize(Decimal("1e-6")) == w


@every_rung
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_descent_stops_where_the_tutorial_stops(rung, dtype, need):
    """The loss falls below 1e-5 after 75 iterations and the step before them, and not one earlier."""
    need(framework_of(rung))
    losses = trained[dtype](rung, dtype, "worked_example", "train", LAST + 1)["losses"]
    below = [step for step, loss in enumerate(losses) if Decimal(float(loss)) < BELOW]
    assert below == [LAST]
    assert CATALOG.spec("quadratic_fit").cases["worked_example"].numbers["steps"] == LAST


@every_rung
def test_the_last_weight_comes_out(rung, need):
    need(framework_of(rung))
    w = trained["float64"](rung, "float64", "worked_example", "train", LAST)["w"]
    certificate = certificates("worked_example", "float64", LAST).state["w"].bound
    assert abs(Decimal(float(w)) - PRINTED["w_final"]) <= limit_of(PRINTED["w_final"], certificate)
    assert Decimal(float(w)).quantize(Decimal("1e-12")) == PRINTED["w_final"].quantize(Decimal("1e-12"))


@every_rung
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("case", "rate"), PARABOLAS.items())
def test_the_dots_lie_on_the_parabola(rung, dtype, case, rate, need):
    """From 1, each step at rate a leaves (1 - 2a) of w, and J = w^2."""
    need(framework_of(rung))
    shrink = 1 - 2 * Decimal(rate)
    seen, bounds = trained[dtype](rung, dtype, case, "train", 16), certificates(case, dtype, 16)
    for step, loss in enumerate(seen["losses"]):
        dot = shrink ** (2 * step)
        assert abs(Decimal(float(loss)) - dot) <= limit_of(dot, bounds.outputs["losses"].bound[step])
    assert abs(Decimal(float(seen["w"])) - shrink**16) <= limit_of(shrink**16, bounds.state["w"].bound)
