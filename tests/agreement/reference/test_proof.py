"""A reference is proven before it judges: a wrong one is refuted, with the place, and nobody else is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from samestep.agreement.arithmetic.unknown_operation import UnknownOperation
from samestep.agreement.examination.examine import examine
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.proof import prove
from samestep.agreement.reference.run import Point, Reference
from samestep.agreement.reference.spread_cache import SpreadCache
from samestep.agreement.verdict import Refuted
from samestep.catalog.catalog import Catalog
from tests.made.candidates import MANUAL, candidate
from tests.made.planting import case_values

CATALOG = Catalog()
SPEC = CATALOG.spec("two_layer")
POINT = case_values(CATALOG, "two_layer", "tiny", "float32")
TASKS = ("adopt", "export", "trace", *SPEC.tasks)


def reference(**functions) -> Reference:
    """The reference of two_layer with some of its functions replaced."""
    own = {name: getattr(MANUAL, name) for name in TASKS}
    module = SimpleNamespace(__name__="mine", __file__=__file__, **{**own, **functions})
    return Reference(module, SPEC, "float32")


def with_gradient(change):
    """The task, after which ``change`` makes something else of the gradient of w2."""

    def loss_and_grads(state, x, y):
        loss, grads = MANUAL.loss_and_grads(state, x, y)
        return loss, {**grads, "w2": change(grads["w2"])}

    return {"loss_and_grads": loss_and_grads}


def one_element(grad):
    grad = grad * 1.0
    grad[1, 2] = 1.001 * grad[1, 2]
    return grad


def swapped(grad):
    return np.concatenate([grad[1:2], grad[:1], grad[2:]])


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda g: 1.001 * g, r"loss_and_grads, step 0: grad_w2\[0, 0\] is .*complex-step differentiation"),
        (one_element, r"grad_w2\[1, 2\] is"),
        (swapped, r"grad_w2\[[01], \d\] is"),
        (lambda g: g.sum(axis=0), r"grads of loss_and_grads: w2 has shape \(3,\), expected \(5, 3\)"),
        (lambda g: g.astype(np.float32), "grads of loss_and_grads: w2 is float32, expected float64"),
        (lambda g: g.tolist(), "w2 is a list, expected an array"),
        (lambda g: g[:, :, 0], r"loss_and_grads raises IndexError: .* \(test_proof.py:\d+\)"),
    ],
)  # fmt: skip
def test_a_wrong_gradient_refutes_the_reference(change, where):
    with pytest.raises(Refuted, match=where):
        prove(reference(**with_gradient(change)), POINT)


def test_gradients_may_be_added_up_in_zeros_like_a_param():
    def loss_and_grads(state, x, y):
        grads = {name: np.zeros_like(value) for name, value in state.items()}
        shown = MANUAL.trace(state, x, y)
        for row, grad in zip(shown["h_relu"], shown["grad_y_pred"], strict=True):
            grads["w2"] += row.reshape(-1, 1) * grad
        grads["w1"] += shown["grad_w1"]
        return shown["loss"], grads

    prove(reference(loss_and_grads=loss_and_grads), POINT)


def test_a_gradient_that_only_the_trace_has_wrong_is_seen():
    def trace(state, x, y):
        shown = MANUAL.trace(state, x, y)
        return {**shown, "grad_w1": 1.001 * shown["grad_w1"]}

    with pytest.raises(Refuted, match="trace, step 0: grad_w1"):
        prove(reference(trace=trace), POINT)


@pytest.mark.parametrize(
    ("functions", "what"),
    [
        ({"forward": None}, "no forward, which the spec has as a task"),
        ({"export": None}, "no export"),
        ({"adopt": lambda params: {**params, "w1": params["w1"].T}}, r"w1 has shape \(5, 8\)"),
        ({"forward": lambda state, x: None}, "forward: y_pred is a NoneType, expected an array"),
        ({"loss_and_grads": lambda state, x, y: x.sum()}, r"returns a float64, expected \(loss, grads\)"),
        ({"loss_and_grads": lambda state, x, y: (x.sum(), {"w1": state["w1"]})}, "has w1; expected w1, w2"),
        ({"trace": lambda state, x, y: {"moon": x}}, "trace returns 'moon'; the spec has h, "),
        ({"train_step": lambda state, x, y, rate: (state["w1"], x.sum())}, "new state of|export raises"),
    ],
)  # fmt: skip
def test_what_tasks_return_is_what_the_spec_says(functions, what):
    with pytest.raises(Refuted, match=what):
        prove(reference(**functions), POINT)


def expectations(mine, **functions) -> Expectations:
    return Expectations(reference(**functions), mine.point, "test", SpreadCache(largest=0))


def test_every_cell_of_a_refuted_reference_says_so_and_is_not_called_wrong():
    mine = candidate()
    found = examine(mine, expectations(mine, **with_gradient(lambda g: 1.001 * g)))
    assert found.verdict == "abstains"
    assert found.reason.startswith("the reference is refuted: loss_and_grads, step 0: grad_w2[0, 0] is ")
    assert found.first_divergence is None


def test_an_operation_that_is_not_known_is_the_references():
    def forward(state, x):
        return np.linalg.qr(MANUAL.forward(state, x))[0]

    mine = candidate()
    found = examine(mine, expectations(mine, forward=forward))
    assert (found.verdict, "np.linalg.qr" in found.reason) == ("abstains", True)
    with pytest.raises(UnknownOperation, match="the reference uses"):
        reference(forward=forward).bounds("forward", POINT)


def test_it_is_proven_once_for_all_implementations(monkeypatch):
    calls = []
    monkeypatch.setattr("samestep.agreement.reference.expectation.prove", lambda *given: calls.append(given))
    shared = expectations(candidate())
    for _ in range(3):
        shared.prove()
    assert len(calls) == 1


def attention(state, x, y):
    """A causal mask of -inf, scaled after it, and its gradient by hand."""
    v = x @ state["w"]
    scores = np.where(np.tri(len(x), dtype=bool), v @ x.T, -np.inf) / 2
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    out = p @ v
    grad_out = 2 * (out - y)
    grad_p = grad_out @ v.T
    grad_scores = p * (grad_p - (grad_p * p).sum(axis=1, keepdims=True))
    grad_v = p.T @ grad_out + grad_scores / 2 @ x
    return {"scores": scores, "p": p, "loss": np.square(out - y).sum(), "grad_w": x.T @ grad_v}


def test_a_mask_of_infinity_is_proven_bounded_and_scattered():
    def loss_and_grads(state, x, y):
        shown = attention(state, x, y)
        return shown["loss"], {"w": shown["grad_w"]}

    module = SimpleNamespace(
        __file__=__file__, adopt=dict, export=dict, trace=attention, loss_and_grads=loss_and_grads
    )
    spec = replace(
        SPEC,
        tasks={"loss_and_grads": SPEC.tasks["loss_and_grads"]},
        trace=("scores", "p", "loss", "grad_w"),
    )
    rng = np.random.default_rng(0)
    x, y, w = (rng.standard_normal(shape) for shape in ((4, 3), (4, 3), (3, 3)))
    mine, point = Reference(module, spec, "float32"), Point({"w": w}, {"x": x, "y": y}, {})
    prove(mine, point)
    bounds, spreads = mine.bounds("trace", point).all, mine.spreads("trace", point, 4)
    masked = ~np.tri(4, dtype=bool)
    assert (bounds["scores"].value[masked] == -np.inf).all()
    assert (bounds["scores"].bound[masked] == 0).all()
    assert (bounds["p"].value[masked] == 0).all()
    for name, bound in bounds.items():
        assert np.isfinite(bound.bound).all(), name
        assert np.isfinite(spreads[name].sigma).all(), name
