"""The numbers that tutorials print for automatic differentiation come out of every rung, to the digit."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tutorials.answers import ask, rungs_of
from tests.tutorials.published import MISTAKES, by_name, check, differences, framework_of, load

WORKLOAD = "autograd_rules"

#: What a row begins with; the task, its arrays, and which output each print is of.
ROWS = [
    ("y = (x+1)^3 + 2", "vector_jacobian", {"x": [3, 2, 1, 4], "v": [[1, 0.1], [0.01, 0.001]]},
     {"value": "y", "grad": "grad_x"}),
    ("y3 = x^2 + stop_gradient(x^3)", "stop_gradient", {"a": 1}, {"grad": "grad_stopped"}),
    ("y = 2 x at x = 1", "hidden_change", {"a": 1}, {"grad": "grad_doubled"}),
    ("y = 3 x^2 at x = 2", "accumulate", {"b": 2}, {"grad": "grad_once"}),
    ("a second backward", "accumulate", {"b": 2}, {"grad": "grad_twice"}),
    ("y = x^2 on [[1,2],[3,4]]", "of_ones", {"m": [[1, 2], [3, 4]]}, {"grad": "grad_m"}),
]  # fmt: skip

CELLS = [
    pytest.param(row, rung, dtype, id=f"{row[1]}-{row[3]['grad']}-{rung}-{dtype}")
    for row in ROWS
    for rung in rungs_of(WORKLOAD, row[1])
    for dtype in ("float32", "float64")
]


@pytest.mark.parametrize(("row", "rung", "dtype"), CELLS)
def test_prints_come_out(row, rung, dtype, need):
    need(framework_of(rung))
    beginning, task, arrays, outputs = row
    published = by_name(WORKLOAD, "what", beginning)
    got = ask(WORKLOAD, rung, dtype, task, **arrays)
    for field, output in outputs.items():
        assert differences(got[output], published[field]) == []


def test_a_cell_that_is_run_again_reproduces_the_tutorial_and_disagrees(need):
    need("torch")
    import torch

    assert "prints 48" in by_name(WORKLOAD, "what", "a second backward")["tutorial_error"]
    mistake = load(MISTAKES / "torch_cell_run_again.py")
    runs = [mistake.accumulate({}, torch.tensor(2.0)) for _ in range(2)]
    assert [[float(grad) for grad in run[:2]] for run in runs] == [[12, 24], [36, 48]]
    code, cells = check(WORKLOAD, "torch_cell_run_again")
    assert code == 1
    for cell in cells:
        found = cell["first_divergence"]
        assert (found["task"], found["tensor"], found["got"]) == ("accumulate", "grad_once", 36)


@pytest.mark.parametrize("rung", rungs_of(WORKLOAD, "hidden_change"))
def test_what_was_hidden_is_there_and_the_gradient_is_that_of_before(rung, need):
    need(framework_of(rung))
    got = ask(WORKLOAD, rung, "float64", "hidden_change", a=1)
    assert [float(got[name]) for name in ("doubled", "a_after", "grad_doubled")] == [2, 100, 2]


@pytest.mark.parametrize("rung", rungs_of(WORKLOAD, "chain_rule"))
def test_the_chain_rule_gives_the_published_formula_both_ways(rung, need):
    need(framework_of(rung))
    assert by_name(WORKLOAD, "what", "5 sin(x^3+5)")["grad"] == "15 x^2 cos(x^3+5)"
    x = np.linspace(-2, 2, 41)
    got = ask(WORKLOAD, rung, "float64", "chain_rule", t=x)
    # The argument of the sine, up to 13, is rounded a few times, and all is multiplied by 15 x^2
    room = 60 * 64 * np.finfo("float64").eps
    for name in ("grad_wave", "grad_by_parts"):
        assert np.abs(got[name] - 15 * x**2 * np.cos(x**3 + 5)).max() < room
    assert np.abs(got["wave"] - 5 * np.sin(x**3 + 5)).max() < room
