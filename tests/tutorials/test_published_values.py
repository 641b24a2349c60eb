"""The numbers that public tutorials print come out of every rung, to the digits printed there.

A print agrees if it lies within half a unit of its last digit, and the certificate of the dtype: what the
tutorial's own arithmetic and ours may each have rounded. Where a tutorial made a mistake, the right number
comes out, and the mistake, which is kept in docs/mistakes, reproduces the print and does not pass the check.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest

from samestep import open_cell
from samestep.agreement.arithmetic.bound import Bound
from samestep.catalog.catalog import Catalog
from tests.made.planting import case_values, reference_of
from tests.tutorials.play_rungs import CASE, TRAINED, WORKLOADS
from tests.tutorials.processes import answer_of
from tests.tutorials.published import MISTAKES, PUBLISHED, check, framework_of, limit_of, load

CATALOG = Catalog()
RUNGS = [(w, rung) for w in WORKLOADS for rung in CATALOG.implementations(w)]

Prints = dict[str, Any]  # tensor -> its print, nested lists; None where nothing is printed


def worked_example() -> Prints:
    row = PUBLISHED["worked_example_2_2_2"]
    forward, chain, w, after = (
        row[name] for name in ("forward", "chain_rule_w5", "after_one_step", "forward_after_step")
    )
    return {
        "trace/h": [[forward["net_h1"], None]],
        "trace/h_sigmoid": [[forward["out_h1"], forward["out_h2"]]],
        "y_pred": [[forward["out_o1"], forward["out_o2"]]],
        "loss": forward["E_total"],
        "losses": [forward["E_total"]],
        "trace/grad_y_pred": [[chain["dE_dout_o1"], None]],
        "grad_w2": [[chain["dE_dw5"], None], [None, None]],
        # The tutorial counts w1 w2 into the first hidden unit, w3 w4 into the second, and so on
        "after/w1": [[w["w1"], w["w3"]], [w["w2"], w["w4"]]],
        "after/w2": [[w["w5"], w["w7"]], [w["w6"], w["w8"]]],
        "after/y_pred": [[after["out_o1"], after["out_o2"]]],
        "after/loss": after["E_total"],
    }


def linear_output() -> Prints:
    row = PUBLISHED["linear_output_2_2_2"]
    params = {f"after/{name.lower()}": value for name, value in row["params_after"].items()}
    return {"losses": row["losses_before_each_step"], **params}


def scalar_relu() -> Prints:
    row = PUBLISHED["relu_2_3_1"]
    forward, grads = row["forward"], row["grads_of_loss_code"]
    return {
        **{f"trace/a{i}": a for i, a in enumerate(forward["a"], start=1)},
        "y_pred": [[forward["y"]]],
        "loss": forward["loss_code"],
        "grad_w1": np.transpose(grads["w_hidden"]).tolist(),  # printed unit by unit
        "grad_w2": [[grad] for grad in grads["w_output"]],
    }


# The dtype is that of the print: one that was computed in float32 has float32's rounding in its last digits.
PRINTS = {
    "manual_backprop": (worked_example(), ("float64",)),
    "linear_output": (linear_output(), ("float32",)),
    "scalar_relu": (scalar_relu(), ("float32", "float64")),
}


@cache
def played(framework: str, dtype: str) -> dict[str, dict[str, Any]]:
    answer: dict[str, dict[str, Any]] = answer_of("play_rungs", framework, dtype)
    return answer


def play(workload: str, case: str, rung: str, dtype: str) -> dict[str, np.ndarray]:
    tensors = played(framework_of(rung), dtype)[f"{workload}:{case}/{rung}"]
    return {name: np.array(value) for name, value in tensors.items()}


@cache
def certificates(workload: str, dtype: str) -> dict[str, Bound]:
    """Return the tensors of the reference with their bounds, by the names of `tests.tutorials.play_rungs`."""
    point = case_values(CATALOG, workload, CASE, dtype)
    reference = reference_of(CATALOG, workload, dtype)
    seen = {f"trace/{name}": bound for name, bound in reference.bounds("trace", point).outputs.items()}
    trained = reference.bounds("train", point)
    seen |= trained.outputs | {f"after/{name}": bound for name, bound in trained.state.items()}
    for task in ("forward", "loss_and_grads"):
        seen |= reference.bounds(task, point).outputs
        after = reference.bounds(task, point.with_params(trained.state)).outputs
        seen |= {f"after/{name}": bound for name, bound in after.items()}
    return seen


def differences(tensors: dict[str, np.ndarray], prints: Prints, bounds: Mapping[str, Bound]) -> list[str]:
    """Return a line on each number that is not the printed one."""
    found = []
    for name, table in prints.items():
        if name not in tensors and name.startswith("trace/"):
            continue  # a compiled rung shows no intermediates
        printed = np.array(table, dtype=object)
        assert tensors[name].shape == printed.shape, name
        for index, print_ in np.ndenumerate(printed):
            if print_ is not None:
                value = Decimal(float(tensors[name][index]))
                limit = limit_of(print_, bounds[name].bound[index])
                if abs(value - print_) > limit:
                    found.append(f"{name}{list(index)} is {value:.17g}, printed {print_} (limit {limit:.1e})")
    return found


@pytest.mark.parametrize(
    ("workload", "rung", "dtype"),
    [(w, rung.name, dtype) for w, rung in RUNGS for dtype in PRINTS[w][1]],
)
def test_prints_come_out(workload, rung, dtype, need):
    need(framework_of(rung))
    tensors = play(workload, CASE, rung, dtype)
    prints, _ = PRINTS[workload]
    assert differences(tensors, prints, certificates(workload, dtype)) == []


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_wrong_number_is_found(workload):
    prints, (dtype, *_) = PRINTS[workload]
    tensors = play(workload, CASE, "numpy_manual", dtype)
    bounds = certificates(workload, dtype)
    for name, table in prints.items():
        print_ = np.array(table, dtype=object).flat[0]
        moved = np.array(tensors[name])
        # It may lie a limit below the print, so twice the limit is not enough
        moved.flat[0] += 3 * float(limit_of(print_, bounds[name].bound.flat[0])) or 1.0
        [found] = differences(tensors | {name: moved}, prints, bounds)
        assert found.startswith(f"{name}[")


# -- ten thousand steps --------------------------------------------------------------------------------------

TRAINED_PRINTS = PUBLISHED["worked_example_trained"]


def nine_decimals(errors: dict[str, Decimal]) -> dict[str, str]:
    return {step: f"{error:.9f}" for step, error in errors.items()}


def after_update(losses: np.ndarray, steps: dict[str, Decimal]) -> dict[str, str]:
    """The tutorial prints the error after the update of a step: the loss before the next one's."""
    return {step: f"{losses[int(step) + 1]:.9f}" for step in steps}


def as_printed(weights: np.ndarray) -> list[list[str]]:
    """Eight decimals, as the right ones are recorded with; a row holds the weights into a unit."""
    return [[f"{w:.8f}" for w in unit] for unit in weights.T]


def eight_decimals(table: list[list[Decimal]]) -> list[list[str]]:
    return [[f"{w:.8f}" for w in unit] for unit in table]


@pytest.mark.parametrize("rung", TRAINED.values())
def test_ten_thousand_steps_come_out_right(rung, need):
    need(framework_of(rung))
    tensors = play("manual_backprop", f"{CASE}_trained", rung, "float64")
    right = TRAINED_PRINTS["right"]
    assert after_update(tensors["losses"], right["error"]) == nine_decimals(right["error"])
    assert as_printed(tensors["after/w1"]) == eight_decimals(right["w_hidden"])
    assert as_printed(tensors["after/w2"]) == eight_decimals(right["w_output"])


# -- the mistakes --------------------------------------------------------------------------------------------


def test_sigmoid_at_the_output_reproduces_the_tutorial():
    mistake = load(MISTAKES / "numpy_sigmoid_at_output.py")
    right = open_cell(f"manual_backprop:{CASE}_trained/numpy_manual", dtype="float64")
    arguments = [right.arrays[name] for name in ("x", "y", "b1", "b2")]
    state, losses = mistake.train(mistake.adopt(right.params), *arguments, 0.5, 10_000)
    wrong = TRAINED_PRINTS["tutorial_prints"]
    assert after_update(losses, wrong["error"]) == nine_decimals(wrong["error"])
    assert as_printed(state["w1"]) == eight_decimals(wrong["w_hidden"])
    assert as_printed(state["w2"]) == eight_decimals(wrong["w_output"])


def test_sigmoid_at_the_output_disagrees_where_it_is_made():
    code, cells = check("manual_backprop", "numpy_sigmoid_at_output")
    assert code == 1
    for cell in cells:
        assert cell["verdict"] == "disagree"
        assert cell["first_divergence"]["tensor"] == "grad_y_in"


def test_outputs_counted_as_inputs_hides_where_both_are_two():
    assert check("manual_backprop", "numpy_outputs_counted_as_inputs")[0] == 0
    code, cells = check("manual_backprop:unequal", "numpy_outputs_counted_as_inputs")
    assert code == 1
    for cell in cells:
        assert cell["verdict"] == "invalid"
        assert cell["reason"] == "export: w2 has shape (3, 2), expected (3, 4)"


def test_an_update_that_leaves_the_leaves_stops_at_the_second_step(need):
    need("torch")
    code, cells = check("scalar_relu", "torch_update_leaves_the_leaves")
    assert code == 1
    for cell in cells:
        assert cell["verdict"] == "crashed"
        assert cell["reason"].startswith("TypeError: ")
        assert "'NoneType'" in cell["reason"]


def test_gradients_that_add_up_disagree(need):
    need("torch")
    code, cells = check("scalar_relu", "torch_gradients_add_up")
    assert code == 1
    for cell in cells:
        assert cell["verdict"] == "disagree"
        divergence = cell["first_divergence"]
        assert divergence["tensor"] == "w1"
        # The weight starts at 0, and moves by the gradients of two calls
        assert f"{divergence['got']:.6f}" == f"{2 * divergence['expected']:.6f}"
