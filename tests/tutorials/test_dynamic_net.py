"""The tutorial of control flow and weight sharing: its curve, and what each framework does with the loop.

Its prints come from a start and from draws that it does not fix. So each of them, and each of ours, lies in a
band that is as wide as starts and draws differ; that every step is right is what `samestep check` asks.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from samestep import open_cell
from samestep.catalog.catalog import Catalog
from tests.made.places import VALUES
from tests.tutorials.train_dynamic_net import EVERY, trained

TUTORIALS = VALUES / "tutorial_values.json"
PUBLISHED = json.loads(TUTORIALS.read_text(encoding="utf-8"))["dynamic_net"]["tutorial_prints"]
CATALOG = Catalog()
RUNGS = CATALOG.implementations("dynamic_net")
FRAMEWORKS = sorted({rung.framework for rung in RUNGS})
SPEC = CATALOG.spec("dynamic_net")

#: The logarithm (base 10) of the loss at every hundredth step: its mean and its standard deviation over
#: twenty starts and draws of the reference (seeds 0 to 19). One in 370 prints is further off than three.
MEANS = (2.79, 1.36, 0.52, 0.17, -0.15, -0.37, -0.19, -0.5, -0.73, -0.91)
VARY = (0.03, 0.28, 0.46, 0.49, 0.6, 0.37, 0.73, 0.46, 0.46, 0.58)


def off(losses: list[float]) -> list[float]:
    """Return how many standard deviations each loss is away from the mean."""
    rows = zip(losses, MEANS, VARY, strict=True)
    return [(math.log10(loss) - mean) / varies for loss, mean, varies in rows]


def test_the_published_curve_is_one_of_ours():
    assert max(map(abs, off(PUBLISHED))) <= 3


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_rung_learns_as_the_tutorial_does(framework, need):
    need(framework)
    curves = trained(framework)
    assert set(curves) == {rung.name for rung in RUNGS if rung.framework == framework}
    for rung, losses in curves.items():
        print(f"{rung}: {', '.join(f'{loss:.4g}' for loss in losses)}")
        assert len(losses) == SPEC.cases["depth_3"].sizes["steps"] // EVERY
        assert max(map(abs, off(losses))) <= 3, rung
        assert any(after > before for before, after in pairwise(losses)), (
            "another depth, another loss: as in the tutorial, the curve goes up here and there"
        )


def test_every_depth_is_drawn_and_each_case_begins_with_its_own():
    for depth in range(4):
        case = SPEC.cases[f"depth_{depth}"]
        draws = open_cell(f"dynamic_net:depth_{depth}/numpy_manual").arrays["depths"]
        assert (draws[0], case.numbers["depth"]) == (depth, depth)
        assert set(draws[:4].tolist()) == set(draws.tolist()) == {0, 1, 2, 3}
        assert min(np.bincount(draws)) > len(draws) / 5


# -- what the rungs say of their frameworks ----------------------------------------------------------------

CLAIMS = {
    # jax_mask: a loop of unknown length cannot be differentiated backwards
    "jax-fori_loop": """
import jax
run = lambda x, n: jax.lax.fori_loop(0, n, lambda _, x: 2 * x, x)
assert jax.jit(run)(1.0, 3) == 8
try:
    jax.jit(jax.grad(run))(1.0, 3)
except ValueError as refused:
    print("true" if "Reverse-mode" in str(refused) else refused)
""",
    # jax_switch: a depth beyond the last branch takes the last
    "jax-switch": """
import jax
branches = [lambda n=n: n for n in range(4)]
print("true" if jax.jit(lambda i: jax.lax.switch(i, branches))(7) == 3 else "false")
""",
    # torch_optim: SGD passes over a weight without a gradient, whose momentum then stands still
    "torch-sgd": """
import torch
def moved(**zero):
    w = torch.nn.Parameter(torch.ones(()))
    sgd = torch.optim.SGD([w], lr=1, momentum=0.5)
    w.square().backward()
    sgd.step()
    sgd.zero_grad(**zero)
    before = w.item()
    sgd.step()
    return before - w.item()
print("true" if (moved(), moved(set_to_none=False)) == (0, 1) else "false")
""",
    # torch_autograd: a weight that was not used has no gradient, unless zeros are asked for
    "torch-unused": """
import torch
w, unused = torch.ones(2, requires_grad=True)
loss, rest = w.square(), [w, unused]
try:
    torch.autograd.grad(loss, rest, retain_graph=True)
except RuntimeError:
    print("true" if torch.autograd.grad(loss, rest, materialize_grads=True)[1] == 0 else "false")
""",
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_a_comment_says_is_true(claim, need):
    need(claim.split("-")[0])
    command = [sys.executable, "-c", CLAIMS[claim]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["true"], done.stdout + done.stderr
