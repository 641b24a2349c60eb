"""What becomes of a suspicion, a probe, a declared departure; and what honest code does that looks odd."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from samestep.agreement.arithmetic.low_precision import PRODUCTS
from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.examine import examine
from samestep.agreement.examination.perturbed import perturb
from samestep.agreement.examination.probe_run import ProbeRun
from samestep.agreement.examination.probes import PROBES, sparse_integers
from samestep.agreement.examination.stages import Examination
from samestep.agreement.free_run import free_run
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.run import Reference
from samestep.agreement.reference.spread_cache import SpreadCache
from samestep.catalog.catalog import REFERENCE, Catalog
from samestep.data import load
from samestep.frameworks import Settings
from samestep.spec import Inputs

CATALOG = Catalog()
MANUAL = CATALOG.load(CATALOG.implementation("two_layer", REFERENCE))


def candidate(dtype="float32", workload="two_layer", case="tiny", inputs=None, **functions) -> Candidate:
    """The reference's own module, with some of its functions replaced."""
    settings, spec = Settings(dtype=dtype), CATALOG.spec(workload)
    about = spec.cases[case]
    dataset = load(about.dataset) if about.dataset else None
    inputs = inputs or spec.make_inputs(about, np.random.default_rng(0), dataset)
    module = CATALOG.load(CATALOG.implementation(workload, REFERENCE))
    names = {name: getattr(module, name, None) for name in ("adopt", "export", "trace", *spec.tasks)}
    mine = SimpleNamespace(__name__=f"samestep.impls.{workload}.mine", **{**names, **functions})
    adapter = CATALOG.load_adapter("numpy").Adapter(settings)
    return Candidate(mine, adapter, settings, spec, about, inputs)


def verdict(mine: Candidate, workload="two_layer"):
    module = CATALOG.load(CATALOG.implementation(workload, REFERENCE))
    reference = Reference(module, mine.spec, mine.settings.dtype)
    return examine(mine, Expectations(reference, mine.point, "test", SpreadCache(largest=0)))


def tutorial(**changes) -> Inputs:
    spec = CATALOG.spec("two_layer")
    inputs = spec.make_inputs(spec.cases["tutorial"], np.random.default_rng(0), None)
    return Inputs(
        {name: changes.get(name, lambda a: a)(value) for name, value in inputs.params.items()},
        {name: changes.get(name, lambda a: a)(value) for name, value in inputs.arrays.items()},
    )


# -- honest, where the statistical model does not hold -----------------------------------------------------

HONEST = {
    "sorted terms": tutorial(x=lambda a: np.sort(np.abs(a), axis=1), w1=lambda a: np.sort(np.abs(a), axis=0)),
    "constants": tutorial(x=lambda a: np.full_like(a, 0.1), w1=lambda a: np.full_like(a, 0.3)),
    "blocks that cancel": tutorial(
        x=np.abs, w1=lambda a: np.abs(a) * np.repeat([[1.0], [-1.0]], len(a) // 2, axis=0)
    ),
}


@pytest.mark.parametrize("inputs", HONEST.values(), ids=HONEST)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_accident_of_rounding_ends_in_agree(inputs, dtype):
    def sequential(a, b):
        """The sum as a loop makes it, one term after another."""
        total = np.zeros((len(a), b.shape[1]), a.dtype)
        for k in range(a.shape[1]):
            total += a[:, k : k + 1] * b[k]
        return total

    def trace(state, x, y):
        seen = MANUAL.trace(state, x, y)
        return {"h": sequential(x, state["w1"]), "h_relu": seen["h_relu"]}

    mine = candidate(dtype, case="tutorial", inputs=inputs, trace=trace)
    found = verdict(mine)
    assert found.verdict == "agree", found.reason


def test_a_suspicion_that_goes_is_noted():
    calls = []

    def trace(state, x, y):
        calls.append(1)
        seen = MANUAL.trace(state, x, y)
        if len(calls) == 1:  # once, as a gate at its edge would
            seen["grad_w1"] = seen["grad_w1"] * np.float32(1 + 1e-6)
        return seen

    found = verdict(candidate(case="tutorial", trace=trace))
    assert found.verdict == "agree"
    assert "re-checked" in found.notes[0]


def test_a_suspicion_that_stays_is_a_disagreement_with_its_first_place():
    def trace(state, x, y):
        seen = MANUAL.trace(state, x, y)
        return {**seen, "grad_w1": seen["grad_w1"] * np.float32(1 + 1e-6)}

    found = verdict(candidate(case="tutorial", trace=trace))
    assert found.verdict == "disagree"
    assert found.first_divergence.test in ("norm", "scale")
    assert (found.first_divergence.tensor, found.first_divergence.index) == ("grad_w1", None)
    assert found.diagnosis.kind == "factor"


def test_one_that_comes_and_goes_is_suspect(monkeypatch):
    def trace(state, x, y):
        seen = MANUAL.trace(state, x, y)
        return {**seen, "grad_w1": seen["grad_w1"] * np.float32(1 + 2e-6)}

    whole, looks = Examination.examine_inputs, iter([True, False])

    def stages(self):
        if self.candidate is mine or next(looks):  # the second look finds nothing
            whole(self)

    monkeypatch.setattr(Examination, "examine_inputs", stages)
    mine = candidate(case="tutorial", trace=trace)
    assert verdict(mine).verdict == "suspect"


# -- probes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workload", CATALOG.workloads)
def test_a_spec_says_of_every_probe_whether_it_suits(workload):
    spec = CATALOG.spec(workload)
    assert set(spec.probes) | set(spec.unsuited) == set(PROBES)
    assert not set(spec.probes) & set(spec.unsuited)
    assert all(spec.unsuited.values())


@pytest.mark.parametrize("workload", CATALOG.workloads)
def test_the_letters_of_the_axes_fit_the_arrays(workload):
    spec = CATALOG.spec(workload)
    for case in spec.cases.values():
        if case.dataset in (None, "mnist_sample"):
            dataset = load(case.dataset) if case.dataset else None
            if case.sizes.get("batch", 0) <= 1024:
                inputs = spec.make_inputs(case, np.random.default_rng(0), dataset)
                arrays, lengths = {**inputs.params, **inputs.arrays}, {}
                for name, letters in spec.axes(case).items():
                    assert len(letters) == arrays[name].ndim, name
                    for letter, length in zip(letters, arrays[name].shape, strict=True):
                        assert letter == "." or lengths.setdefault(letter, length) == length, name


@pytest.mark.parametrize("workload", ["two_layer", "scalar_relu"])
def test_the_integers_are_small_in_every_order(workload):
    case = next(name for name, about in CATALOG.spec(workload).cases.items() if about.default)
    mine = candidate(workload=workload, case=case)
    module = CATALOG.load(CATALOG.implementation(workload, REFERENCE))
    reference = Reference(module, mine.spec, "float32")
    probed = ProbeRun(mine, Expectations(reference, mine.point, "test", SpreadCache(largest=0)), "train_step")
    point = sparse_integers(probed, 1).point
    # With all signs alike no sum is larger on the way than at its end; the loss is of squares anyway
    magnitudes = point.with_params({n: np.abs(a) for n, a in point.params.items()})
    arrays = {n: -np.abs(a) if n == "y" else np.abs(a) for n, a in point.arrays.items()}
    largest = reference.exact("trace", type(point)(magnitudes.params, arrays, point.numbers)).all
    assert max(np.abs(value).max() for value in largest.values()) < 2**24
    exact = reference.exact("trace", point).all
    assert any((value == 0).any() and (value != 0).any() for value in exact.values())


def relu_at_zero(state, x, y):
    seen = MANUAL.trace(state, x, y)
    grad_h = np.where(seen["h"] >= 0, seen["grad_h_relu"], 0).astype(x.dtype)
    return {**seen, "grad_h": grad_h, "grad_w1": x.T @ grad_h}


def with_trace(trace):
    """The tasks of two_layer on another backward pass."""

    def loss_and_grads(state, x, y):
        seen = trace(state, x, y)
        return seen["loss"], {"w1": seen["grad_w1"], "w2": seen["grad_w2"]}

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
        seen = MANUAL.trace(state, x, y)
        return {**seen, "h_relu": np.minimum(seen["h_relu"], np.asarray(1e6, x.dtype))}

    found = verdict(candidate(trace=trace))
    assert "powers of two" in found.first_divergence.test
    assert found.diagnosis.kind == "cap"


def test_nan_must_arrive():
    def forward(state, x):
        return np.nan_to_num(MANUAL.forward(state, x))

    found = verdict(candidate(forward=forward))
    assert found.first_divergence.test == "probe nan"


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


# -- life ----------------------------------------------------------------------------------------------


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


# -- where nothing trains ------------------------------------------------------------------------------

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


# -- precision, variants, free runs ----------------------------------------------------------------------

DISTINCT = [name for name in PRODUCTS if name not in ("TF32", "float16 operands")]  # these two round alike


@pytest.mark.parametrize("name", [*DISTINCT, "TF32"])
def test_the_arithmetic_is_named(name):
    def trace(state, x, y):
        wide = {n: a.astype(np.float64) for n, a in state.items()}
        h = PRODUCTS[name](x.astype(np.float64), wide["w1"]).astype(np.float32)
        return {"h": h}

    found = verdict(candidate(case="tutorial", trace=trace))
    assert found.verdict == "disagree"
    assert found.diagnosis.kind == "precision"
    if name != "float64":
        assert name.split(",")[0].split()[0] in found.diagnosis.text


def test_a_variant_is_the_same_problem_on_other_numbers():
    mine = candidate(case="tutorial", dtype="float64")
    other = perturb(mine, 1)
    assert other.numbers["learning_rate"] == mine.numbers["learning_rate"] / 2
    assert not np.array_equal(other.arrays["x"], mine.arrays["x"])
    near = np.sort(other.arrays["x"], axis=None) / np.sort(mine.arrays["x"], axis=None)
    assert 0.9 < np.median(near) < 1.1
    assert np.array_equal(perturb(mine, 1).arrays["x"], other.arrays["x"])


def test_a_free_run_is_a_report():
    mine = candidate(case="tutorial")
    module = CATALOG.load(CATALOG.implementation("two_layer", REFERENCE))
    free = free_run(mine, Reference(module, mine.spec, "float32"), 20)
    assert len(free.distance) == len(free.loss_distance) == len(free.absorbed) == 20
    assert 0 < free.distance[0] < free.distance[-1] < 1
    assert free.growth > 1
    double = free_run(candidate("float64", case="tutorial"), Reference(module, mine.spec, "float64"), 5)
    assert max(double.distance) == 0  # the reference itself
