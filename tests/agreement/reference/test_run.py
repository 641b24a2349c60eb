"""Who checks the reference? Complex-step differentiation, and itself with its sums in another order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from samestep.agreement.examination.candidate import Values
from samestep.agreement.examination.tensor_check import Place, check_certificate
from samestep.agreement.reference.derivative_check import check_derivatives
from samestep.agreement.reference.run import Reference
from samestep.agreement.verdict import Disagreement
from samestep.catalog.catalog import REFERENCE, Catalog
from tests.made.planting import case_values, planted

CATALOG = Catalog()
CASES = [
    *((w, c) for w in CATALOG.workloads for c, case in CATALOG.spec(w).cases.items() if case.default),
    ("two_layer", "tiny"),
]
TRAINED = [(w, c) for w, c in CASES if CATALOG.spec(w).trains]
cases = pytest.mark.parametrize(("workload", "case"), CASES)


def reference(workload: str, dtype: str = "float64", module=None) -> Reference:
    module = module or CATALOG.load(CATALOG.implementation(workload, REFERENCE))
    return Reference(module, CATALOG.spec(workload), dtype)


@cases
def test_the_gradients_are_those_of_the_loss(workload, case):
    worst = check_derivatives(reference(workload), case_values(CATALOG, workload, case, "float64"))
    assert worst <= 1


MISTAKES = [
    ("two_layer", "grad_y_pred = 2 *", "grad_y_pred = 1.0000001 * 2 *", "grad_w1"),
    ("two_layer", "grad_w2 = h_relu.T @", "grad_w2 = h.T @", "grad_w2"),
    ("two_layer", "np.where(h > 0, grad_h_relu, 0)", "grad_h_relu", "grad_w1"),
    ("scalar_relu", "grad_y_pred = 2 *", "grad_y_pred =", "grad_w1"),
    ("manual_backprop", "grad_h_sigmoid * h_sigmoid * (1", "grad_h_sigmoid * h * (1", "grad_w1"),
    ("linear_output", "grad_b1 = grad_h.sum(axis=0)", "grad_b1 = 0.5 * grad_h.sum(axis=0)", "grad_b1"),
    ("dynamic_net", 'np.where(seen["h1"] > 0, grad_h_relu, 0)', "grad_h_relu", "grad_w1"),
    ("mnist_mlp", "grad / len(y)", "grad / (len(y) - 1)", "grad_w1"),
    ("activations", "(x > 0).astype(", "(x > -1).astype(", "grad_relu"),
    ("autograd_rules", "* 3 * (x + 1) ** 2", "* 2 * (x + 1) ** 2", "grad_x"),
    ("autograd_rules", "5 * np.cos(u) * (3 * t**2)", "5 * np.cos(u) * (2 * t**3)", "grad_by_parts"),
    ("activations", "sigmoid * (1 - sigmoid)", "x * (1 - x)", "grad_sigmoid"),
]


@pytest.mark.parametrize(("workload", "old", "new", "tensor"), MISTAKES)
def test_a_wrong_gradient_is_caught(workload, old, new, tensor, tmp_path):
    source = CATALOG.implementation(workload, REFERENCE).path
    module = CATALOG.load(CATALOG.describe(workload, planted(tmp_path, source, {old: new})))
    case = next(c for w, c in CASES if w == workload)
    with pytest.raises(Disagreement, match="complex-step") as raised:
        check_derivatives(reference(workload, module=module), case_values(CATALOG, workload, case, "float64"))
    assert raised.value.divergence.tensor == tensor


def shuffled(values: Values, axes: Mapping[str, str], order: dict[str, np.ndarray]) -> Values:
    """The same arrays with the indices of each letter in another order."""
    moved = dict(values)
    for name in set(values) & set(axes):
        for axis, letter in enumerate(axes[name]):
            if letter != ".":
                found = order.setdefault(
                    letter, np.random.default_rng(1).permutation(values[name].shape[axis])
                )
                moved[name] = moved[name].take(found, axis=axis)
    return moved


@pytest.mark.parametrize(("workload", "case"), TRAINED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_sums_in_another_order_stay_within_the_certificate(workload, case, dtype):
    point, spec = case_values(CATALOG, workload, case, dtype), CATALOG.spec(workload)
    axes, order = spec.axes(spec.cases[case]), {}
    expected = reference(workload, dtype).bounds("loss_and_grads", point).outputs

    module = reference(workload).module
    params, arrays = shuffled(point.params, axes, order), shuffled(point.arrays, axes, order)
    inputs = [arrays.get(n, point.numbers.get(n)) for n in spec.tasks["loss_and_grads"].inputs]
    loss, grads = module.loss_and_grads(module.adopt(params), *inputs)
    back = shuffled(grads, axes, {letter: np.argsort(indices) for letter, indices in order.items()})

    place = Place(0, "loss_and_grads")
    assert check_certificate(place, "loss", np.asarray(loss), expected["loss"]) <= 1
    for name, grad in back.items():
        assert check_certificate(place, f"grad_{name}", grad, expected[f"grad_{name}"]) <= 1
