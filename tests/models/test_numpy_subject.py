"""A NumPy function as a side: what it really computes, and what the engine makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.arithmetic.program import Contract, Nudge, Refused
from samestep.agreement.limits import elementwise_limit
from samestep.models.numpy import NumpySubject, from_function
from samestep.models.question import Question, Steps
from samestep.models.subject import ModelError
from samestep.models.tensors import Role, TensorKey

OUTPUT, LOSS = TensorKey(Role.OUTPUT, ""), TensorKey(Role.LOSS, "")
RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 8)).astype(np.float32)
PARAMS = {
    "dense": {"w": RNG.standard_normal((8, 16)), "b": RNG.standard_normal(16)},
    "out": {"w": RNG.standard_normal((16, 5)), "b": np.zeros(5)},
}


def mlp(params, x):
    hidden = np.tanh(x @ params["dense"]["w"] + params["dense"]["b"])
    return hidden @ params["out"]["w"] + params["out"]["b"]


def attention(x, scale):
    scores = (x @ x.swapaxes(-1, -2)) * scale
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (weights / weights.sum(axis=-1, keepdims=True)) @ x


def sigma(program, replicas=24):
    exact = program.exact()
    runs = [program.replica(seed) for seed in range(replicas)]
    return {
        key: np.sqrt(np.mean([np.square(run[key] - exact[key]) for run in runs], axis=0)) for key in exact
    }


def test_names_values_and_outputs():
    subject = NumpySubject.from_function(mlp, PARAMS)
    assert list(subject.parameters()) == ["dense.w", "dense.b", "out.w", "out.b"]
    assert all(value.dtype == np.float32 for value in subject.parameters().values())
    assert subject.describe() == "NumPy function mlp, without gradients"
    (output,) = subject.run(Question((X,))).values()
    assert output.dtype == np.float32
    assert output.shape == (6, 5)


def test_float32_is_within_its_limit_and_noise_is_reproducible():
    subject, question = NumpySubject.from_function(mlp, PARAMS), Question((X,), loss="mse", targets=X[:, :5])
    program, got = subject.program(question), subject.run(question)
    exact = program.exact()
    assert list(exact) == list(got) == [OUTPUT, LOSS]
    for key, deviation in sigma(program).items():
        assert np.all(np.abs(got[key] - exact[key]) <= elementwise_limit(24) * deviation)
        assert np.all(deviation > 0)
    assert np.array_equal(program.replica(3)[OUTPUT], program.replica(3)[OUTPUT])
    assert program.terms[OUTPUT] == 16
    assert program.uniform


def test_a_contract_makes_products_err_as_declared():
    subject, question = NumpySubject.from_function(mlp, PARAMS), Question((X,))
    plain = sigma(subject.program(question))[OUTPUT].mean()
    deviations = {c: sigma(subject.program(question, c))[OUTPUT].mean() / plain for c in Contract}
    assert deviations[Contract.TF32] > 100
    assert (
        deviations[Contract.BFLOAT16] > 4 * deviations[Contract.FLOAT16] > 4 * deviations[Contract.TF32] / 2
    )


def test_literals_are_found_by_value_and_moved():
    odd = 0.28867123
    held = NumpySubject.from_function(lambda x: attention(x, np.float32(odd))).program(Question((X,)))
    exact = NumpySubject.from_function(lambda x: attention(x, odd)).program(Question((X,)))
    (literal,) = held.literals
    owed = np.abs(held.exact(Nudge(literal=literal))[OUTPUT] - held.exact()[OUTPUT])
    apart = np.abs(held.exact()[OUTPUT] - exact.exact()[OUTPUT])
    assert 0 < apart.max() <= owed.max()


@pytest.mark.parametrize("scale", [12**-0.5, 1 / 12**0.5, 1 / 3, (2 / np.pi) ** 0.5])
def test_a_computed_scale_is_the_same_number_in_float32_and_as_a_double(scale):
    programs = [
        NumpySubject.from_function(lambda x, s=s: attention(x, s)).program(Question((X,)))
        for s in (scale, np.float32(scale))
    ]
    first, second = (program.exact()[OUTPUT] for program in programs)
    assert np.array_equal(first, second)
    assert not any(program.literals for program in programs)


@pytest.mark.parametrize("number", [0.5, 0.1, np.float32(0.999), 1e-5, 3, 100_003.0, -np.inf])
def test_short_decimals_owe_nothing(number):
    program = NumpySubject.from_function(lambda x: x * number).program(Question((X,)))
    with np.errstate(all="ignore"):
        expected = X.astype(np.float64) * (0.999 if isinstance(number, np.float32) else number)
    assert np.array_equal(program.exact()[OUTPUT], expected)
    assert not program.literals


def test_captured_constants_are_found_and_moved_unless_they_are_shared():
    table = RNG.standard_normal((6, 8)).astype(np.float32)
    program = NumpySubject.from_function(lambda x: x + table).program(Question((X,)))
    exact = program.exact()[OUTPUT]
    (digest,) = program.constants
    moved = program.exact(Nudge(constants=1))[OUTPUT] - exact
    assert np.all(moved != 0)
    assert np.array_equal(program.exact(Nudge(constants=1, shared=frozenset([digest])))[OUTPUT], exact)


def test_an_absorbed_addend_does_not_round():
    def masked(x):
        return x + np.where(np.arange(8) < 4, 0.0, np.finfo(np.float32).min)

    deviation = sigma(NumpySubject.from_function(masked).program(Question((X,))))[OUTPUT]
    assert not deviation.any()


def test_integers_are_those_of_the_exact_run_and_a_flip_is_a_finding():
    program = NumpySubject.from_function(lambda x: (x / 3 * 3).astype(np.int32)).program(
        Question((np.full(100, 2, np.float32),))
    )
    exact = program.exact()[OUTPUT]
    for seed in range(5):
        assert np.array_equal(program.replica(seed)[OUTPUT], exact)
    (finding,) = program.findings
    assert finding.kind == "decides"
    assert finding.place.startswith("test_numpy_subject.py:")


def test_state_goes_round():
    def step(params, state, x):
        mean = state["mean"] * 0.9 + x.mean(axis=0) * 0.1
        return (x - mean) * params["scale"], {"mean": mean}

    subject = NumpySubject.from_function(step, {"scale": np.ones(8)}, {"mean": np.zeros(8)})
    got, exact = subject.run(Question((X,))), subject.program(Question((X,))).exact()
    assert list(got) == list(exact) == [OUTPUT, TensorKey(Role.STATE, "mean")]
    assert not subject.state()["mean"].any()
    other = subject.with_values({"scale": np.full(8, 2.0)}, {})
    assert np.array_equal(other.run(Question((X,)))[OUTPUT], 2 * got[OUTPUT])


def test_nested_outputs_are_named_by_path_and_inputs_by_keyword():
    def call(first, second):
        return {"sum": first + second, "both": (first, second)}

    question = Question((X, 2 * X), ("second", "first"))
    got = from_function(call).run(question)
    assert [key.name for key in got] == ["sum", "both.0", "both.1"]
    assert np.array_equal(got[TensorKey(Role.OUTPUT, "both.0")], 2 * X)
    mixed = from_function(call).run(Question((X, 2 * X), ("second",)))
    assert np.array_equal(mixed[TensorKey(Role.OUTPUT, "both.0")], X)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "l1", "binary_cross_entropy"])
def test_losses_run_on_both(loss):
    classes = np.arange(6) % 5
    targets = classes if loss == "cross_entropy" else RNG.random((6, 5)).astype(np.float32)
    question = Question((X,), loss=loss, targets=targets)
    subject = NumpySubject.from_function(mlp, PARAMS)
    got, program = subject.run(question)[LOSS], subject.program(question)
    assert got.shape == ()
    assert abs(got - program.exact()[LOSS]) <= elementwise_limit(24) * sigma(program)[LOSS]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.einsum("bi,ci->bc", x, x),
        lambda x: np.einsum("bi->b", x),
        lambda x: (x - x.mean(1, keepdims=True)) / np.sqrt(np.var(x, axis=1, keepdims=True) + 1e-5),
        lambda x: np.expm1(np.clip(x, -1, 1)) * np.sign(x),
        lambda x: np.abs(x) ** 0.5 + np.arctan(x),
        lambda x: np.pad(np.swapaxes(x, 0, 1), ((1, 1), (0, 0))).ravel() * 3,
        lambda x: np.concatenate(np.split(x * 3, 2, axis=1)) / np.expand_dims(np.full_like(x[0, :4], 7), 0),
        lambda x: np.outer(x[0], x[1]) - np.tril(np.outer(x[0], x[1])) + x.min() * np.log2(2 + x.var()),
    ],
)
def test_more_of_numpy_is_followed(call):
    subject = NumpySubject.from_function(call)
    program, got = subject.program(Question((X,))), subject.run(Question((X,)))[OUTPUT]
    wide = call(X.astype(np.float64))
    assert np.abs(program.exact()[OUTPUT] - wide).max() <= np.finfo(np.float64).eps * np.abs(wide).max()
    assert np.all(np.abs(got - wide) <= elementwise_limit(24) * sigma(program)[OUTPUT])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x: np.cumprod(x),
            r"np\.cumprod \(test_numpy_subject.py:\d+\), whose .*: use a loop of products",
        ),
        (lambda x: np.linalg.inv(x @ x.T), r"np\.linalg\.inv \(test_numpy_subject.py:"),
        (lambda x: x.tolist(), r"x\.tolist \(test_numpy_subject.py:\d+\), whose .*: use the array itself"),
        (lambda x: x if x.sum() > 0 else -x, "Python decision on a computed value"),
        (lambda x: float(x.sum()), "float"),
        (lambda x: x.astype(np.float16), r"astype\(float16\) \(test_numpy_subject.py:"),
        (lambda x: {}[type(x)], "KeyError at test_numpy_subject.py:"),
    ],
)
def test_what_has_no_rule_is_refused_by_name_and_place(call, message):
    with pytest.raises(Refused, match=message):
        NumpySubject.from_function(call).program(Question((X,))).exact()


def test_narrow_floats_are_refused():
    with pytest.raises(Refused, match="0 is float16"):
        NumpySubject.from_function(lambda x: x).program(Question((X.astype(np.float16),)))


def change(x):
    x += 1
    return x


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: NumpySubject.from_function(3), "a int cannot be called"),
        (lambda: NumpySubject.from_function(mlp, {"w": "text"}), "w is <U4"),
        (lambda: NumpySubject.from_function(mlp, None, {"m": X}), "a state needs params"),
        (
            lambda: NumpySubject.from_function(mlp, PARAMS).with_values({"w": X}, {}),
            "no parameter w; there are",
        ),
        (lambda: NumpySubject.from_function(mlp, {"w": X}).with_values({"w": X[0]}, {}), "has the shape"),
        (lambda: NumpySubject.from_function(mlp, PARAMS).run(Question((X.T,))), "mlp raises ValueError"),
        (lambda: NumpySubject.from_function(change).run(Question((X,))), "changes an array"),
        (lambda: NumpySubject.from_function(lambda x: "text").run(Question((X,))), "not an array of numbers"),
        (lambda: NumpySubject.from_function(change).run_steps(None, Steps((), ())), "no optimizers"),
        (lambda: NumpySubject.from_function(mlp, PARAMS, {}).run(Question((X,))), "raises TypeError"),
    ],
)
def test_bad_input_gets_one_line(ask, message):
    with pytest.raises(ModelError, match=message) as raised:
        ask()
    assert "\n" not in str(raised.value)
