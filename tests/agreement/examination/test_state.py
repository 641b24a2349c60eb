"""State beside parameters: renewed by steps and compared, never differentiated, never drawn anew."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.examination.not_finite import overflowing
from samestep.agreement.examination.perturbed import perturb
from samestep.agreement.examination.probe_run import ProbeRun
from samestep.agreement.examination.probes import sparse_integers
from samestep.agreement.free_run import free_run
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.spread_cache import SpreadCache
from tests.made.candidates import CATALOG, candidate
from tests.made.planting import reference_of

SPEC = CATALOG.spec("conv_net")
STATE = ("mean1", "var1", "mean2", "var2")


@pytest.fixture(scope="module")
def mine():
    return candidate(workload="conv_net")


@pytest.fixture(scope="module")
def run(mine):
    reference = reference_of(CATALOG, "conv_net", "float32")
    return ProbeRun(mine, Expectations(reference, mine.point, "", SpreadCache()), "train_step")


def test_a_gradient_is_taken_of_all_params_but_the_state(mine):
    assert SPEC.state == STATE
    _, grads = mine.module.loss_and_grads(mine.module.adopt(mine.params), *mine.arguments("loss_and_grads"))
    assert [*grads] == SPEC.differentiated(mine.params)
    assert {*mine.params} - {*grads} == {*STATE}


def test_a_step_renews_it(mine):
    state, _ = mine.module.train_step(mine.module.adopt(mine.params), *mine.arguments("train_step"))
    assert not any(np.array_equal(state[name], mine.params[name]) for name in STATE)


def test_a_perturbation_moves_it_and_a_variance_stays_one(mine):
    params = perturb(mine, 1).params
    assert all((params[name] != mine.params[name]).any() for name in STATE)
    assert min(params[name].min() for name in ("var1", "var2")) > 0


def test_a_probe_that_draws_or_scales_params_leaves_it(mine, run):
    for other in (sparse_integers(run, 1), overflowing(run, float(np.finfo(np.float32).max))):
        assert not np.array_equal(other.arrays["x"], mine.arrays["x"])
        assert all(np.array_equal(other.params[name], mine.params[name]) for name in STATE)


def test_the_updates_that_rounding_loses_are_those_of_weights(mine):
    def lossy_step(state, x, y, learning_rate):
        new, loss = mine.module.train_step(state, x, y, learning_rate)
        return {name: new[name] if name in STATE else state[name] for name in state}, loss

    lossy = candidate(workload="conv_net", train_step=lossy_step)
    free = free_run(lossy, reference_of(CATALOG, "conv_net", "float32"), 2)
    assert free.absorbed == [1.0, 1.0]
