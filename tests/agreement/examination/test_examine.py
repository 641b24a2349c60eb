"""What becomes of a suspicion, and of accidents of rounding; and what shows when a call is repeated."""

from __future__ import annotations

import numpy as np
import pytest

from samestep import open_cell
from samestep.agreement.examination.stages import Examination
from samestep.catalog.catalog import REFERENCE
from samestep.spec import Inputs
from tests.made.candidates import CATALOG, MANUAL, candidate, verdict

pytestmark = pytest.mark.slow


def tutorial(**changes) -> Inputs:
    inputs = open_cell(f"two_layer:tutorial/{REFERENCE}", dtype="float64")
    return Inputs(
        {name: changes.get(name, lambda a: a)(value) for name, value in inputs.params.items()},
        {name: changes.get(name, lambda a: a)(value) for name, value in inputs.arrays.items()},
    )


ACCIDENTS = {
    "sorted terms": tutorial(x=lambda a: np.sort(np.abs(a), axis=1), w1=lambda a: np.sort(np.abs(a), axis=0)),
    "constants": tutorial(x=lambda a: np.full_like(a, 0.1), w1=lambda a: np.full_like(a, 0.3)),
    "blocks that cancel": tutorial(
        x=np.abs, w1=lambda a: np.abs(a) * np.repeat([[1.0], [-1.0]], len(a) // 2, axis=0)
    ),
}


@pytest.mark.parametrize("inputs", ACCIDENTS.values(), ids=ACCIDENTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_accident_of_rounding_ends_in_agree(inputs, dtype):
    def sequential(a, b):
        """The sum as a loop makes it, one term after another."""
        total = np.zeros((len(a), b.shape[1]), a.dtype)
        for k in range(a.shape[1]):
            total += a[:, k : k + 1] * b[k]
        return total

    def trace(state, x, y):
        shown = MANUAL.trace(state, x, y)
        return {"h": sequential(x, state["w1"]), "h_relu": shown["h_relu"]}

    mine = candidate(dtype, case="tutorial", inputs=inputs, trace=trace)
    found = verdict(mine)
    assert found.verdict == "agree", found.reason


def test_a_suspicion_that_goes_is_noted():
    calls = []

    def trace(state, x, y):
        calls.append(1)
        shown = MANUAL.trace(state, x, y)
        if len(calls) == 1:  # once, as a gate at its edge would
            shown["grad_w1"] = shown["grad_w1"] * np.float32(1 + 1e-6)
        return shown

    found = verdict(candidate(case="tutorial", trace=trace))
    assert found.verdict == "agree"
    assert "re-checked" in found.notes[0]


def test_a_suspicion_that_stays_is_a_disagreement_with_its_first_place():
    def trace(state, x, y):
        shown = MANUAL.trace(state, x, y)
        return {**shown, "grad_w1": shown["grad_w1"] * np.float32(1 + 1e-6)}

    found = verdict(candidate(case="tutorial", trace=trace))
    assert found.verdict == "disagree"
    assert found.first_divergence.test in ("norm", "scale")
    assert (found.first_divergence.tensor, found.first_divergence.index) == ("grad_w1", None)
    assert found.diagnosis.kind == "factor"


def test_one_that_comes_and_goes_is_suspect(monkeypatch):
    def trace(state, x, y):
        shown = MANUAL.trace(state, x, y)
        return {**shown, "grad_w1": shown["grad_w1"] * np.float32(1 + 2e-6)}

    whole, rechecks = Examination.examine_inputs, iter([True, False])

    def stages(self):
        if self.candidate is mine or next(rechecks):  # the second one finds nothing
            whole(self)

    monkeypatch.setattr(Examination, "examine_inputs", stages)
    mine = candidate(case="tutorial", trace=trace)
    assert verdict(mine).verdict == "suspect"


# -- repeatability --------------------------------------------------------------------------------------


def test_a_rate_that_was_captured_is_seen():
    first = []

    def train_step(state, x, y, rate):
        first.append(rate)
        return MANUAL.train_step(state, x, y, first[0])

    def train(state, x, y, rate, steps):
        return MANUAL.train(state, x, y, rate, steps)

    assert verdict(candidate("float64", train_step=train_step, train=train)).verdict == "disagree"


def test_whether_the_same_call_gives_the_same_bits_is_reported():
    assert verdict(candidate()).repeats is True


def test_what_is_cached_is_seen_on_other_inputs():
    kept = {}

    def forward(state, x):
        return kept.setdefault("y_pred", MANUAL.forward(state, x))

    found = verdict(candidate(forward=forward, train=None))
    assert (found.verdict, found.first_divergence.tensor) == ("disagree", "y_pred")


# -- where nothing trains -------------------------------------------------------------------------------

SHAPES = CATALOG.load(CATALOG.implementation("activations", REFERENCE))


def untrained(dtype="float32", **functions):
    return verdict(candidate(dtype, "activations", "range", **functions), "activations")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tasks_that_do_not_train_are_judged_where_they_are(dtype):
    found = untrained(dtype)
    assert (found.verdict, found.repeats) == ("agree", True)
    assert set(found.tensors) == {"relu", "sigmoid", "tanh", "grad_relu", "grad_sigmoid", "grad_tanh"}


def test_what_no_rounding_touches_is_compared_exactly():
    def forward(state, x):
        relu, sigmoid, tanh = SHAPES.forward(state, x)
        return np.nextafter(relu, 9, dtype=x.dtype), sigmoid, tanh

    found = untrained(forward=forward)
    assert (found.verdict, found.first_divergence.tensor) == ("disagree", "relu")
    assert found.first_divergence.limit < np.finfo("float32").eps ** 4


def test_what_one_call_leaves_to_the_next_is_seen():
    kept = {}

    def derivatives(state, x):
        for name, grad in zip("rst", SHAPES.derivatives(state, x), strict=True):
            kept[name] = kept.get(name, 0) + grad  # as .grad does that nobody sets to zero
        return tuple(kept.values())

    found = untrained(derivatives=derivatives)
    assert (found.verdict, found.first_divergence.tensor) == ("disagree", "grad_relu")


def test_what_was_computed_once_for_ever_is_seen():
    kept = {}

    def forward(state, x):
        return kept.setdefault("values", SHAPES.forward(state, x))

    assert untrained(forward=forward).verdict == "disagree"


def test_without_a_task_there_is_nothing_to_say():
    found = untrained(forward=None, derivatives=None)
    assert (found.verdict, found.reason) == ("invalid", "no task; the workload has forward, derivatives")


def test_a_sigmoid_that_overflows_is_seen():
    def forward(state, x):
        relu, _, tanh = SHAPES.forward(state, x)
        return relu, np.exp(x) / (1 + np.exp(x)), tanh

    found = untrained(forward=forward)
    assert found.verdict == "invalid"
    assert "probe large_logits" in found.reason
