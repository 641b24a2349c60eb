"""Every operation that references use: each array type knows it, and real NumPy errs within its limits."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from samestep.agreement.arithmetic import followed_code
from samestep.agreement.arithmetic.bound import Bound
from samestep.agreement.arithmetic.complex_step import ComplexStep
from samestep.agreement.arithmetic.followed_code import _is_library, followed
from samestep.agreement.arithmetic.numpy_functions import FUNCTIONS, METHODS
from samestep.agreement.arithmetic.unknown_operation import UnknownOperation, name_of
from tests.made import operations_page
from tests.made.on_array_types import OnArrayTypes
from tests.made.places import CHECKOUT

special = importlib.import_module("scipy.special") if importlib.util.find_spec("scipy") else None
RNG = np.random.default_rng(0)
ARRAYS = {
    "x": RNG.standard_normal((4, 6)),
    "p": RNG.uniform(0.2, 0.9, (4, 6)),
    "w": RNG.standard_normal((6, 5)),
    "v": RNG.standard_normal(6),
    "y": np.array([2, 0, 5, 2]),
}
MASK = RNG.random((4, 6)) > 0.4


def add_at(x, y):
    table = np.zeros_like(x, shape=(6, 6))
    np.add.at(table, y, x)
    np.subtract.at(table, (y, np.arange(4)), x[:, 0])
    return table


def filled(x):
    states = np.zeros((3, *x.shape))
    states[0] = x
    for t in range(2):
        states[t + 1] += np.tanh(states[t])
    return states


def masked_in_place(x):
    grad = x * 2
    grad[x <= 0] = 0
    return grad


def divided_where(x, p):
    out = np.zeros_like(x)
    return np.divide(p, x, out=out, where=x > 0)


def of_integers(x, y):
    """What NumPy does with labels alone."""
    assert np.array_equal(y, y)
    columns = x[np.lexsort((y, y))][np.ix_(y // 2, y)], x[:, np.unique(y)]
    return *columns, x[np.isin(y, [2, 5])], x[np.flatnonzero(y)], x[np.searchsorted(y, y)], x[np.argwhere(y)]


MOVES = {
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "moveaxis": lambda x: np.moveaxis(x[None], 0, -1),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "ravel": lambda x: x.ravel() + np.ravel(x),
    "flatten": lambda x: x.flatten(),
    "split": lambda x: np.split(x, 3, axis=1)[1],
    "array_split": lambda x: np.array_split(x, 4, axis=1)[0],
    "hstack": lambda x: np.hstack([x, x[:, :1]]),
    "vstack": lambda x, v: np.vstack([x, v]),
    "column_stack": lambda x: np.column_stack([x, x[:, 0]]),
    "append": lambda x: np.append(x, x[:1], axis=0),
    "pad": lambda x: np.pad(x, ((1, 1), (2, 0))),
    "pad with -inf": lambda x: np.pad(x, 1, constant_values=-np.inf),
    "pad by reflection": lambda x: np.pad(x, 1, mode="reflect"),
    "tile": lambda x: np.tile(x, (2, 1)),
    "repeat": lambda x: np.repeat(x, 2, axis=0) + x.repeat(2, 0),
    "flip": lambda x: np.flip(x, 1),
    "fliplr": np.fliplr,
    "rot90": lambda x: np.rot90(x),
    "roll": lambda x: np.roll(x, 1, axis=1),
    "take": lambda x, y: np.take(x, y, axis=1) + x.take(y, axis=1),
    "take_along_axis": lambda x, y: np.take_along_axis(x, y[:, None], axis=1),
    "plain[y]": lambda x, y: x * np.arange(6.0)[y][:, None],
    "tril": lambda x: np.tril(x) + np.triu(x, 1),
    "diag": lambda x, v: np.diag(x[:, :4]) + np.diag(v)[0, :4],
    "sliding_window_view": lambda x: sliding_window_view(x, (2, 3)),
    "window over one axis": lambda x: sliding_window_view(x, 2, axis=1),
    "zeros_like": lambda x: np.zeros_like(x) + x,
    "ones_like": lambda x: np.ones_like(x) * x,
    "full_like": lambda x: np.full_like(x, 0.1) + np.full_like(x, x[0, 0]),
    "broadcast_arrays": lambda x, v: np.broadcast_arrays(x, v)[1],
    "array": lambda x, v: np.array([x[0], v]),
    "nested array": lambda x: np.array([[x[0, 0], 1.0], [x[1, 1], 0.5]]),
    "asarray": lambda x: np.asarray(x, dtype=np.float64) * 3,
    "zeros and items": filled,
    "empty and items": lambda x: _written(np.empty(x.shape), x),
    "full": lambda x: np.full((2, 3), x[0, 0]) + np.full((2, 3), 0.3),
    "eye": lambda x, y: np.eye(6)[y] * x,
    "labels in a mask": lambda x, y: x[y != 2],
    "a plain mask": lambda x: x[MASK],
    "-inf by a mask": lambda x: np.exp(_written(x.copy(), -np.inf, MASK)),
    "mT": lambda x: np.matmul(x[None].mT, x[None]) + np.matrix_transpose(x)[:, :1],
    "swapaxes by method": lambda x: x.swapaxes(0, 1)[:, 0],
    "reshape": lambda x: np.reshape(x, (2, 12)) + x.reshape(2, -1) + np.copy(x).reshape((2, 12), order="F"),
    "transpose": lambda x: np.transpose(x) + x.transpose(1, 0) + x.T + np.swapaxes(x.copy(), 0, 1),
    "rollaxis": lambda x: (
        np.rollaxis(x[None], 2) + np.squeeze(np.broadcast_to(x, (1, 4, 6)), 0)[0][:, None, None]
    ),
    "flipud": lambda x: np.flipud(x) + np.where(x[0] > 0, x, 0),
    "triangles": lambda x: np.diagonal(x) + x.diagonal() + np.atleast_1d(x[0, 0]),
    "atleast": lambda x: np.atleast_3d(np.atleast_2d(x[0])),
    "stack": lambda x: np.stack([x, np.concatenate([x[:2], x[2:]])]) + np.dstack([x, x]).transpose(2, 0, 1),
    "splits": lambda x: (
        np.hsplit(x, 2)[0][:, :2] + np.vsplit(x, 2)[0][:1, :2] + np.dsplit(x[None], 2)[0][0, :, :2]
    ),
    "shapes": lambda x: x * (np.shape(x)[0] + np.ndim(x) + np.size(x) + np.size(x, 1)) * np.isrealobj(x),
    "dtypes": lambda x: x.astype(np.result_type(x, np.float32)) * (1 - np.iscomplexobj(x)),
    "squeeze": lambda x: x[:, :1].squeeze(),
    "sort": lambda x: np.sort(x, axis=1),
    "argsort of labels": lambda x, y: x[np.argsort(y, kind="stable")] + x[y.argsort(kind="stable")],
}


def _written(buffer, values, at=...):
    buffer[at] = values
    return buffer


SUMS = {
    "einsum": lambda x, w: np.einsum("ij,jk->ik", x, w),
    "einsum with a batch": lambda x, w: np.einsum("bij,bjk->bki", np.stack([x, x]), np.stack([w, w])),
    "einsum of one": lambda x: np.einsum("ij->j", x) + np.einsum("ii", x[:, :4]),
    "einsum without an arrow": lambda x, w: np.einsum("ij,jk", x, w),
    "einsum with dots": lambda x, w: np.einsum("...i,ij->...j", x, w),
    "einsum of no sum": lambda x, v: np.einsum("ij,k->kij", x, v),
    "einsum of many axes": lambda x, w: np.einsum("aij,jb->", np.stack([x, x]), w),
    "tensordot": lambda x, w: np.tensordot(np.stack([x, x]), w, axes=1),
    "tensordot of two axes": lambda x, p: np.tensordot(x, p, axes=([0, 1], [0, 1])),
    "outer": lambda x, v: np.outer(x[0], v) + np.multiply.outer(x[0], v),
    "inner": lambda x, v: np.inner(x, v),
    "vdot": lambda x, p: np.vdot(x, p),
    "dot": lambda x, w: np.dot(x, w) + x.dot(w),
    "dot of three axes": lambda x, w: np.dot(x, np.stack([w, w])),
    "trace": lambda x: np.trace(x) + x.trace(),
    "matmul": lambda x, w: np.matmul(x, w),
    "var": lambda x: np.var(x, axis=1, ddof=1) + x.var(axis=1),
    "std": lambda x: np.std(x, axis=0, keepdims=True) * x.std(),
    "min": lambda x: np.min(x, axis=1, keepdims=True) + x.min(),
    "amax": lambda x: np.amax(x, axis=1) + np.amin(x, axis=1),
    "mean": lambda x: np.mean(x, axis=0) + x.mean() + np.sum(x),
    "max": lambda x: np.max(x, axis=(0, 1)) + x.max(axis=0, initial=0.5),
    "prod": lambda x: np.prod(x, axis=1) + x.prod(axis=0)[0],
    "prod of five": lambda x: np.prod(x[:, :5], axis=(0, 1), keepdims=True),
    "cumsum": lambda x: np.cumsum(x, axis=1) + x.cumsum(1),
    "cumsum of all": lambda x: np.cumsum(x),
    "linalg.norm": lambda x: np.linalg.norm(x) + np.linalg.norm(x, axis=1),
    "linalg.norm 1": lambda x: np.linalg.norm(x, 1, axis=1) + np.linalg.norm(x, np.inf, axis=1),
    "add.reduce": lambda x: np.add.reduce(x) + np.add.reduce(x, axis=1)[0],
    "maximum.reduce": lambda x: np.maximum.reduce(x, axis=1) + np.minimum.reduce(x, axis=1),
    "multiply.reduce": lambda x: np.multiply.reduce(x, axis=1),
    "add.accumulate": lambda x: np.add.accumulate(x, axis=1),
    "sum with where": lambda x: np.sum(x, axis=1, where=MASK, initial=0.5),
    "sum with dtype": lambda x: x.sum(axis=1, dtype=np.float64, keepdims=True),
    "mean with where": lambda x: np.mean(x, axis=1, where=MASK, keepdims=True),
    "add.at": add_at,
    "bincount with weights": lambda x, y: np.bincount(y, weights=x[:, 0], minlength=7),
    "bincount": lambda x, y: x / np.maximum(np.bincount(y, minlength=6), 1),
    "count_nonzero": lambda x, y: x * np.count_nonzero(y),
}

ELEMENTWISE = {
    "** 0.5": lambda p: p**0.5,
    "** -0.5": lambda p: p**-0.5,
    "** -1": lambda x: x**-1,
    "** 1.7": lambda p: p**1.7,
    "** array": lambda p, v: p**v,
    "number ** array": lambda x: 0.9**x,
    "clip": lambda x: np.clip(x, -0.5, 0.5) + x.clip(0, None),
    "sign": lambda x: np.sign(x) * x,
    "abs": lambda x: np.abs(x) + np.fabs(x),
    "expm1": lambda x: np.expm1(x),
    "exp2": lambda x: np.exp2(x),
    "log2": lambda p: np.log2(p) + np.log10(p),
    "logaddexp": lambda x: np.logaddexp(0.0, x) + np.logaddexp(x, 2 * x) + np.logaddexp2(x, -x),
    "reciprocal": lambda x: np.reciprocal(x),
    "arctan": lambda x: np.arctan(x),
    "sinh": lambda x: np.sinh(x) / np.cosh(x),
    "arcsinh": lambda x, p: np.arcsinh(x) + np.arctanh(p) + np.arcsin(p) * np.arccos(p),
    "hypot": lambda x, p: np.hypot(x, p),
    "cbrt": lambda x: np.cbrt(x),
    "round": lambda x: np.round(x) + np.around(x) + x.round(),
    "of integers": lambda x, y: np.hstack([rows.ravel() for rows in of_integers(x, y)]),
    "nonzero": lambda x, y: x[np.nonzero(y)] + x[y.nonzero()] + x[np.where(y)],
    "argmax": lambda x, y: (
        x[np.argmax(y)] + x[y.argmin()] + x[:, np.argmin(y)][:, None] + x[y.argmax(axis=0)]
    ),
    "empty_like": lambda x: _written(np.empty_like(x), x),
    "floor": lambda x: x - np.floor(x) + np.rint(x) + np.ceil(x),
    "isnan": lambda x: np.where(np.isnan(np.where(MASK, np.nan, x)), 0.0, x),
    "masks": lambda x: np.where(~(x > 0) & MASK | (x > 1), x, 2 * x),
    "logical": lambda x, p: np.where(np.logical_and(x > 0, np.logical_not(p > 0.5)), x, 0.0),
    "a mask times": lambda x: x * (x > 0) + (x < -1).astype(x.dtype),
    "a mask in place": masked_in_place,
    "divide where": divided_where,
    "any": lambda x, y: (
        np.where((y == 2).any() & (y < 9).all(), x, 0.0) + np.where(np.any(y < 0), x, np.all(y > 0))
    ),
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "integers": lambda x, y: x[(y + 1) % 4] * (y // 2)[:, None] + (y & 1)[:, None],
}

SCIPY = {
    "erf": lambda x: special.erf(x) + special.erfc(x),
    "expit": lambda x: special.expit(x) * special.log_expit(x),
    "softmax": lambda x: special.softmax(x, axis=-1),
    "softmax of all": lambda x: special.softmax(x),
    "log_softmax": lambda x: special.log_softmax(x, axis=1),
    "logsumexp": lambda x: special.logsumexp(x, axis=1) + special.logsumexp(x),
    "logsumexp with weights": lambda x, p: special.logsumexp(x, axis=-1, b=p, keepdims=True),
    "softmax with -inf": lambda x: special.softmax(np.where(MASK, x, -np.inf), axis=-1),
    "ndtr": lambda x: special.ndtr(x) + special.log_ndtr(x),
}
if hasattr(np, "unstack"):  # from NumPy 2.1 on
    MOVES["unstack"] = lambda x: np.unstack(x)[1]
OPERATIONS = MOVES | SUMS | ELEMENTWISE | (SCIPY if special else {})
operations = pytest.mark.parametrize("name", OPERATIONS)


def of(name):
    """The operation, and the arrays that it names."""
    call = OPERATIONS[name]
    try:
        names = call.__code__.co_varnames[: call.__code__.co_argcount]
    except AttributeError:
        names = ("x",)
    return OnArrayTypes(
        lambda **given: {"out": call(*(given[n] for n in names))}, {n: ARRAYS[n] for n in names}
    )


@operations
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_real_numpy_errs_within_the_bound_and_the_noise(name, dtype):
    if dtype == "float64" and (name in SCIPY or name == "bincount with weights"):
        pytest.skip("its most exact form is float64")
    of_bound, of_noise = of(name).errors(dtype)["out"]
    assert of_bound <= 1
    assert of_noise < 1


@operations
def test_every_array_type_computes_what_numpy_does(name):
    operation = of(name)
    plain, low = operation.plain("float64")["out"], operation.low_precision()["out"].parts[0]
    bound = operation.bounds("float64")["out"]
    assert plain.shape == low.shape == bound.shape
    for value in (low, bound.value):
        with np.errstate(all="ignore"):
            off = np.where(plain == value, 0.0, np.abs(plain - value))
        assert (off <= bound.bound).all()


@operations
@pytest.mark.parametrize("by", ["x", "p"])
def test_the_complex_step_is_the_slope_of_the_float64_function(name, by):
    operation = of(name)
    if by not in operation.arrays:
        return
    direction, steps = (
        np.random.default_rng(1).choice([-1.0, 1.0], ARRAYS[by].shape),
        2.0 ** -np.array([12, 13]),
    )
    slope = operation.slopes(by, direction)["out"]
    differences, rounding = [], []
    for h in steps:
        moved = [
            OnArrayTypes(operation.call, {**operation.arrays, by: ARRAYS[by] + sign * h * direction})
            for sign in (1, -1)
        ]
        high, low = (there.bounds("float64")["out"] for there in moved)
        with np.errstate(all="ignore"):
            differences.append((high.value - low.value) / (2 * h))
        rounding.append((high.bound + low.bound) / h)
    # A central difference errs by h^2, so that the half step leaves a third of what the steps differ by
    with np.errstate(all="ignore"):
        far = np.abs(differences[1] - slope)
        limit = np.abs(differences[0] - differences[1]) + rounding[1]
    assert slope.shape == operation.plain("float64")["out"].shape
    assert (~np.isfinite(differences[1]) | (far <= limit)).all()


def test_every_function_and_method_of_the_tables_is_tried(monkeypatch):
    tried = set()

    def recording(table, key):
        handler = table[key]

        def record(*args, **kwargs):
            tried.add(key)
            return handler(*args, **kwargs)

        monkeypatch.setitem(table, key, record)

    for table in (FUNCTIONS, METHODS):
        for key in table:
            recording(table, key)
    for name in OPERATIONS:
        of(name).low_precision()
    untried = (FUNCTIONS.keys() | METHODS.keys()) - tried
    assert not {key if isinstance(key, str) else name_of(key) for key in untried}


def test_the_page_of_operations_is_made_of_the_tables():
    if not hasattr(np, "unstack"):
        pytest.skip("the page has what NumPy has from 2.1 on")
    page = operations_page.PAGE.read_text(encoding="utf-8")
    for table in operations_page.tables():
        assert table in page, "python -m tests.made.operations_page puts it there"


# -- what has no protocol ------------------------------------------------------------------------------


def test_nothing_of_numpy_or_scipy_is_changed_afterwards():
    before = [np.array, np.zeros, special and special.softmax.__code__]
    with pytest.raises(UnknownOperation), followed(ComplexStep(0.0), "the reference"):
        np.median(ComplexStep([1.0, 2.0]))
    assert [np.array, np.zeros, special and special.softmax.__code__] == before


def test_plain_arrays_stay_plain_for_libraries_and_for_integers():
    with followed(Bound.exact(0.0, np.dtype("float32")), "the reference"):
        assert isinstance(np.zeros(3), Bound)
        assert isinstance(np.zeros(3, int), np.ndarray)
        assert isinstance(np.array([1.0, 2.0]), np.ndarray)
        assert isinstance(np.linspace(0, 1, 3), np.ndarray)
        assert not _is_library(str(CHECKOUT / "impls/conv_net/numpy_manual.py"))
        assert not _is_library(
            str(Path(followed_code.__file__).parents[2] / "impls/conv_net/numpy_manual.py")
        )
        assert isinstance(np.polynomial.Polynomial([1.0, 2.0]).integ().coef, np.ndarray)


def test_what_is_not_followed_is_said_in_one_line_with_the_place_and_what_to_write():
    def reference(x):
        return np.median(x)  # the line

    here = reference.__code__.co_firstlineno + 1
    with pytest.raises(UnknownOperation) as raised, followed(ComplexStep(0.0), "the reference"):
        reference(ComplexStep([1.0, 2.0]))
    assert str(raised.value) == (
        f"the reference uses np.median (test_numpy_operations.py:{here}), whose rounding cannot be followed: "
        "use np.sort and an index"
    )


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("x.partition", lambda x: x.partition(1)),
        ("np.linalg.svd", lambda x: np.linalg.svd(x)),
        ("np.fft.fft", lambda x: np.fft.fft(x)),
        ("np.frexp", lambda x: np.frexp(x)),
        *([("scipy.special.gammaln", lambda x: special.gammaln(x))] if special else []),
        ("a conversion to a plain array", lambda x: [1.0] + np.array((1.0, 2.0))[[x]]),
    ],
)
def test_operations_are_named_as_the_user_wrote_them(name, use):
    bound = Bound.exact(np.eye(3), np.dtype("float32"))
    with pytest.raises(UnknownOperation, match=f"uses {name}"), followed(bound, "the reference"):
        use(bound)
