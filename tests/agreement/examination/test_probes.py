"""Probes that suit a workload, what each of them sees, and declared departures."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from samestep import open_cell
from samestep.agreement.arithmetic.exactness import Exactness, Seen
from samestep.agreement.arithmetic.low_precision import COMPARED_AS
from samestep.agreement.examination.departures import check_probes
from samestep.agreement.examination.examine import examine
from samestep.agreement.examination.not_finite import beyond, never_finite, overflowing
from samestep.agreement.examination.probe_run import ProbeRun
from samestep.agreement.examination.probes import PROBES, sparse_integers
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.run import Reference
from samestep.agreement.reference.spread_cache import SpreadCache
from samestep.catalog.catalog import REFERENCE
from tests.made.candidates import CATALOG, MANUAL, candidate, verdict
from tests.made.planting import reference_of

LARGEST = float(np.finfo(np.float32).max)


def probed(workload, case, leading="train_step"):
    mine = candidate(workload=workload, case=case)
    reference = reference_of(CATALOG, workload, "float32")
    return ProbeRun(mine, Expectations(reference, mine.point, "test", SpreadCache(largest=0)), leading)


@pytest.mark.parametrize("workload", CATALOG.workloads)
def test_a_spec_says_of_every_probe_whether_it_suits(workload):
    spec = CATALOG.spec(workload)
    assert set(spec.probes) | set(spec.unsuited) == set(PROBES)
    assert not set(spec.probes) & set(spec.unsuited)
    assert all(spec.unsuited.values())


@pytest.mark.parametrize("workload", CATALOG.workloads)
def test_the_letters_of_the_axes_fit_the_arrays(workload):
    spec = CATALOG.spec(workload)
    for name, case in spec.cases.items():
        if case.dataset in (None, "mnist_sample") and case.sizes.get("batch", 0) <= 1024:
            found = open_cell(f"{workload}:{name}/{REFERENCE}")
            arrays, lengths = {**found.params, **found.arrays}, {}
            for array, letters in spec.axes(case).items():
                assert len(letters) == arrays[array].ndim, array
                for letter, length in zip(letters, arrays[array].shape, strict=True):
                    assert letter == "." or lengths.setdefault(letter, length) == length, array


def default_case(workload):
    return next(name for name, about in CATALOG.spec(workload).cases.items() if about.default)


@pytest.mark.parametrize("workload", ["two_layer", "scalar_relu"])
def test_the_integers_are_small_in_every_order(workload):
    run = probed(workload, default_case(workload))
    point, reference = sparse_integers(run, 1).point, run.reference
    # With all signs alike no sum is larger on the way than at its end; the loss is of squares anyway
    magnitudes = point.with_params({n: np.abs(a) for n, a in point.params.items()})
    arrays = {n: -np.abs(a) if n == "y" else np.abs(a) for n, a in point.arrays.items()}
    largest = reference.exact("trace", type(point)(magnitudes.params, arrays, point.numbers)).all
    assert max(np.abs(value).max() for value in largest.values()) < 2**24
    exact = reference.exact("trace", point).all
    assert any((value == 0).any() and (value != 0).any() for value in exact.values())


def relu_at_zero(state, x, y):
    shown = MANUAL.trace(state, x, y)
    grad_h = np.where(shown["h"] >= 0, shown["grad_h_relu"], 0).astype(x.dtype)
    return {**shown, "grad_h": grad_h, "grad_w1": x.T @ grad_h}


def with_trace(trace):
    """The tasks of two_layer on another backward pass."""

    def loss_and_grads(state, x, y):
        shown = trace(state, x, y)
        return shown["loss"], {"w1": shown["grad_w1"], "w2": shown["grad_w2"]}

    def train_step(state, x, y, rate):
        loss, grads = loss_and_grads(state, x, y)
        return {name: state[name] - rate * grads[name] for name in state}, loss

    return {"trace": trace, "loss_and_grads": loss_and_grads, "train_step": train_step}


def test_the_convention_at_zero_is_named():
    functions = with_trace(relu_at_zero)
    functions["train"] = None
    found = verdict(candidate(**functions))
    assert found.verdict == "disagree"
    assert "probe" in found.first_divergence.test
    assert found.diagnosis.kind == "convention"


def test_a_cap_that_no_ordinary_number_meets_is_seen():
    def trace(state, x, y):
        shown = MANUAL.trace(state, x, y)
        return {**shown, "h_relu": np.minimum(shown["h_relu"], np.asarray(1e6, x.dtype))}

    found = verdict(candidate(trace=trace))
    assert "powers of two" in found.first_divergence.test
    assert found.diagnosis.kind == "cap"


def test_nan_must_arrive():
    def forward(state, x):
        return np.nan_to_num(MANUAL.forward(state, x))

    found = verdict(candidate(forward=forward))
    assert found.first_divergence.test == "probe nan"


def test_what_is_nan_under_every_convention():
    run = probed("two_layer", "tiny")
    x = run.candidate.arrays["x"].copy()
    x[0, 0] = np.nan
    point = replace(run.candidate.point, arrays={**run.candidate.arrays, "x": x})
    _, never = never_finite(run, "train_step", point)
    # Closed gates leave one product of grad_w1 with NaN: that of x's first column, NaN * 0
    assert never["w2"].all()
    assert never["w1"][0].all()
    assert not never["w1"][1:].any()
    _, never = never_finite(run, "trace", point)
    assert not never["grad_h"].any()  # NaN where a convention opens the gate, 0 where one closes it


@pytest.mark.parametrize("written", ["np.where(h > 0, g, 0)", "np.where(h <= 0, 0, g)"])
def test_gates_may_be_written_either_way(written):
    def trace(state, x, y):
        h = x @ state["w1"]
        g = np.maximum(h, 0) @ state["w2"] @ state["w2"].T
        return {"grad_h": eval(written, {"np": np, "h": h, "g": g})}

    run = probed("two_layer", "tiny")
    reference = Reference(SimpleNamespace(adopt=dict, trace=trace), run.reference.spec, "float32")
    poisoned = run.candidate.point.with_params({**run.candidate.params, "w1": np.full((8, 5), np.nan)})
    ways = [reference.with_arithmetic("trace", poisoned, name).all["grad_h"] for name in COMPARED_AS]
    assert [bool(np.isnan(way).all()) for way in ways] == [True, False]


@pytest.mark.parametrize("workload", [w for w in CATALOG.workloads if "overflow" in CATALOG.spec(w).probes])
def test_something_overflows_in_every_workload(workload):
    leading = "train_step" if CATALOG.spec(workload).trains else ""
    run = probed(workload, default_case(workload), leading)
    mine, found = overflowing(run, LARGEST), {}
    for task in run.training if leading else run.evaluations:
        found |= {name: mask.any() for name, mask in beyond(run, task, mine.point, LARGEST)[1].items()}
    assert any(found[name] for name in found if name not in ("loss", "losses"))


def test_where_a_number_may_have_overflowed_a_gate_tells_nothing():
    run = probed("two_layer", "tiny")
    arrays = {**run.candidate.arrays, "x": np.ldexp(run.candidate.arrays["x"], 126)}
    _, never = beyond(run, "loss_and_grads", replace(run.candidate.point, arrays=arrays), LARGEST)
    assert never["grad_w2"].any()  # behind no gate
    assert not never["grad_w1"].any()


def test_float64_is_asked_for_nothing_beyond_its_range():
    def train_step(state, x, y, rate):
        assert not np.abs(x).max() > LARGEST**0.5  # or NaN
        return MANUAL.train_step(state, x, y, rate)

    assert verdict(candidate("float64", train_step=train_step)).verdict == "agree"


def test_a_departure_that_is_declared_is_a_footnote_and_a_stale_one_a_failure():
    def forward(state, x):
        return np.nan_to_num(MANUAL.forward(state, x))

    why = {"nan": "it replaces NaN"}
    assert verdict(candidate(forward=forward, DEPARTS=why)).departs == why
    assert verdict(candidate(forward=forward, MAY_DEPART=why)).departs == why
    assert verdict(candidate(MAY_DEPART=why)).departs == {}
    stale = verdict(candidate(DEPARTS=why))
    assert (stale.verdict, "drop it" in stale.reason) == ("invalid", True)
    unknown = verdict(candidate(DEPARTS={"moon": "full"}))
    assert "'moon'" in unknown.reason


def verdict_on_itself(trace):
    """The verdict on a reference of two_layer with another trace, as its own implementation."""
    functions = with_trace(trace)

    def train(state, x, y, rate, steps):
        losses = []
        for _ in range(steps):
            state, loss = functions["train_step"](state, x, y, rate)
            losses.append(loss)
        return state, np.stack(losses)

    functions |= {"train": train, "forward": lambda state, x: trace(state, x, 0.0)["y_pred"]}
    mine = candidate(**functions)
    module = SimpleNamespace(__name__="mine", __file__=__file__, adopt=dict, export=dict, **functions)
    reference = Reference(module, CATALOG.spec("two_layer"), "float32")
    return examine(mine, Expectations(reference, mine.point, "test", SpreadCache(largest=0)))


def mean_loss(state, x, y):
    """The mean for the sum."""
    shown = MANUAL.trace(state, x, y)
    grad_y_pred = 2 * (shown["y_pred"] - y) / shown["y_pred"].size
    grad_h_relu = grad_y_pred @ state["w2"].T
    grad_h = np.where(shown["h"] > 0, grad_h_relu, 0)
    return shown | {
        "loss": np.square(shown["y_pred"] - y).mean(), "grad_y_pred": grad_y_pred,
        "grad_w2": shown["h_relu"].T @ grad_y_pred, "grad_h_relu": grad_h_relu, "grad_h": grad_h,
        "grad_w1": x.T @ grad_h,
    }  # fmt: skip


def test_a_mean_is_left_out_of_the_exact_integers():
    found = verdict_on_itself(mean_loss)
    assert found.verdict == "agree", found.reason
    assert [note.partition(": ")[0].split(" leaves")[0] for note in found.notes] == ["probe integers"]
    assert "the reference rounds (np.divide, test_probes.py:" in found.notes[0]


def shifted(state, x, y):
    """A constant bias: nothing scales with the inputs, and no net input is 0."""
    h = x @ state["w1"] + 1.0
    h_relu = np.maximum(h, 0)
    y_pred = h_relu @ state["w2"]
    grad_y_pred = 2 * (y_pred - y)
    grad_h_relu = grad_y_pred @ state["w2"].T
    grad_h = np.where(h > 0, grad_h_relu, 0)
    return {
        "h": h, "h_relu": h_relu, "y_pred": y_pred, "loss": np.square(y_pred - y).sum(),
        "grad_y_pred": grad_y_pred, "grad_w2": h_relu.T @ grad_y_pred, "grad_h_relu": grad_h_relu,
        "grad_h": grad_h, "grad_w1": x.T @ grad_h,
    }  # fmt: skip


def test_a_constant_bias_does_not_suit_powers_of_two_and_ties():
    found = verdict_on_itself(shifted)
    assert found.verdict == "agree", found.reason
    why = {note.split()[1]: note for note in found.notes}
    assert why["powers_of_two"].endswith("does not suit: the reference does not scale with its inputs")
    assert why["ties"].endswith("does not suit: no comparison of the reference meets a tie where w1 is 0")


@pytest.mark.parametrize("workload", ["two_layer", "scalar_relu", "dynamic_net"])
def test_nothing_is_left_out_of_the_probes_that_suit(workload):
    run = probed(workload, default_case(workload))
    assert list(check_probes(run)) == []
    assert run.left_out == {}


def test_what_nothing_rounds_is_known_element_by_element():
    seen = Seen()
    like = Exactness((np.zeros(()), np.zeros(())), seen)
    x, tenth = like.lift(np.array([[1.0, 2.0], [0.0, 3.0]])), like.lift(np.array([0.0, 0.1]))
    assert (x @ x).is_exact.all()
    assert (x / like.lift(4.0)).is_exact.all()
    assert not seen.rounded
    assert ((x / like.lift(3.0)).is_exact == [[False, False], [True, True]]).all()
    assert seen.rounded.startswith("np.divide, test_probes.py:")
    assert (tenth.is_exact == [True, False]).all()
    assert ((x * tenth).is_exact == [[True, False], [True, False]]).all()
    assert like.lift(np.array([2.0**24 - 2, 1])).sum().is_exact
    assert not like.lift(np.array([2.0**24, 1])).sum().is_exact
    assert not np.exp(like.lift(np.zeros(1))).is_exact.any()
    assert not seen.tied
    np.maximum(x, 0)
    assert seen.tied
