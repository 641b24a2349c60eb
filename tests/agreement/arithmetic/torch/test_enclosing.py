"""Correct float32 code stays within its bounds in every order of summation, and with the worst library."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from samestep.agreement.arithmetic.program import Contract, Refused  # noqa: E402
from samestep.agreement.arithmetic.torch.decompositions import decomposition  # noqa: E402
from samestep.agreement.arithmetic.torch.operation_table import UNITS, operation_name  # noqa: E402
from samestep.agreement.arithmetic.torch.program import TorchProgram  # noqa: E402
from samestep.agreement.limits import LIBRARY_FUNCTION_UNITS, unit_roundoff  # noqa: E402
from tests.agreement.arithmetic.torch.elementwise_cases import ELEMENTWISE_CASES  # noqa: E402
from tests.agreement.arithmetic.torch.window_cases import WINDOW_CASES  # noqa: E402

U = unit_roundoff("float32")


class Adversary(TorchDispatchMode):
    """Float32 as badly as it is allowed: sums from the last term on, functions off by all their units."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name, kwargs = operation_name(func), kwargs or {}
        parts = decomposition(func, name)
        if parts is not None:
            with self:
                return parts(*args, **kwargs)
        if name in ("mm", "bmm"):
            terms = args[0].unsqueeze(-1) * args[1].unsqueeze(-3)
            return _backwards(terms.movedim(-2, 0))
        if name == "sum" and args[0].is_floating_point():
            dims = args[1] if len(args) > 1 and args[1] else list(range(args[0].dim()))
            kept = [d for d in range(args[0].dim()) if d not in [one % args[0].dim() for one in dims]]
            rows = args[0].permute([*[d for d in range(args[0].dim()) if d not in kept], *kept])
            total = _backwards(rows.reshape(-1, *[args[0].shape[d] for d in kept]))
            return total.reshape(func(*args, **kwargs).shape)
        out = func(*args, **kwargs)
        if UNITS.get(name) == LIBRARY_FUNCTION_UNITS:
            out = func(*[x.double() if isinstance(x, torch.Tensor) else x for x in args], **kwargs)
            signs = torch.where(torch.arange(out.numel()) % 2 == 0, 1.0, -1.0).double().reshape(out.shape)
            out = (out * (1 + signs * (LIBRARY_FUNCTION_UNITS - 1) * U)).float()
        return out


def _backwards(terms):
    total = terms[-1].clone()
    for term in reversed(terms[:-1]):
        total = total + term
    return total


def attention(q, k, v):
    scores = q @ k.mT / q.shape[-1] ** 0.5
    scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -torch.inf)
    return scores.softmax(-1) @ v


LAYERS = {
    "linear": (F.linear, (8, 16), (12, 16), (12,)),
    "gelu": (F.gelu, (16, 16)),
    "gelu's tanh form": (lambda x: F.gelu(3 * x, approximate="tanh"), (16, 16)),
    "silu": (F.silu, (16, 16)),
    "elu": (F.elu, (16, 16)),
    "relu": (lambda x: F.relu(x * 0.1 + 0.3), (16, 16)),
    "softmax": (lambda x: F.softmax(x, -1), (8, 16)),
    "log_softmax": (lambda x: F.log_softmax(x, -1), (8, 16)),
    "layer_norm": (lambda x, w, b: F.layer_norm(x + 3, (16,), w, b), (8, 16), (16,), (16,)),
    "rms_norm": (lambda x, w: F.rms_norm(x, (16,), w), (8, 16), (16,)),
    "group_norm": (lambda x, w: F.group_norm(x, 2, w), (2, 4, 5, 5), (4,)),
    "batch_norm": (
        lambda x, w: F.batch_norm(x + 2, torch.zeros(4), torch.ones(4), w, None, True),
        (3, 4, 5, 5),
        (4,),
    ),
    "batch_norm in eval mode": (
        lambda x, w: F.batch_norm(x, torch.full((4,), 0.3), torch.full((4,), 0.7), w, None, False),
        (3, 4, 5, 5),
        (4,),
    ),
    "convolution": (lambda x, w, b: F.conv2d(x, w, b, 2, 1), (2, 3, 7, 7), (4, 3, 3, 3), (4,)),
    "grouped convolution": (lambda x, w: F.conv2d(x, w, None, 1, 1, 2, 4), (2, 4, 7, 7), (8, 1, 3, 3)),
    "transposed convolution": (lambda x, w: F.conv_transpose2d(x, w, None, 2, 1), (2, 3, 5, 5), (3, 4, 3, 3)),
    "max pool": (lambda x: F.max_pool2d(x.relu(), 3, 2, 1), (2, 3, 8, 8)),
    "average pool": (lambda x: F.avg_pool2d(x, 3, 2, 1), (2, 3, 8, 8)),
    "adaptive pool": (lambda x: F.adaptive_avg_pool2d(x, (3, 1)), (2, 3, 8, 8)),
    "embedding": (lambda w: F.embedding(torch.tensor([[1, 2, 3], [3, 3, 0]]), w), (5, 7)),
    "attention": (attention, (2, 6, 8), (2, 6, 8), (2, 6, 8)),
    "fused attention": (
        lambda q, k: F.scaled_dot_product_attention(q, k, k, is_causal=True),
        (1, 2, 6, 8),
        (1, 2, 6, 8),
    ),
    "residual": (lambda x, w: x + (x @ w).tanh() * 0.1, (8, 16), (16, 16)),
    "cross-entropy": (lambda x: F.cross_entropy(x, torch.arange(8) % 5, label_smoothing=0.1), (8, 5)),
    "powers": (lambda x: (x.abs() + 1) ** 1.5 + 1000 ** (x / 8) + x**3, (4, 5)),
    "divergence": (lambda x: F.kl_div(x, torch.tensor([0.5, 0.3, 0.2, 0.0]), reduction="sum"), (3, 4)),
    "changes in place": (lambda x: _changed(x), (8, 6)),
}


def _changed(x):
    y = x * 0.3
    y[:, 0] += y[:, 1]
    y[:, 2].mul_(1.7)
    return y.view(4, 12).t() * 1.1


def gradients(function, inputs, cotangent):
    leaves = [x.clone().requires_grad_() for x in inputs]
    out = function(*leaves)
    return {"out": out, **dict(enumerate(torch.autograd.grad(out, leaves, cotangent)))}


def program_of(function, inputs, cotangent, contract=Contract.FLOAT32):
    return TorchProgram(
        lambda: gradients(function, inputs, cotangent),
        lambda: None,
        contract,
        held=lambda: [*inputs, cotangent],
    )


def share(got, enclosed):
    """The largest error, as a share of its bound."""
    error = np.abs(got.detach().double().numpy() - enclosed.value)
    return float(np.max(np.divide(error, enclosed.bound, out=np.zeros(error.shape), where=error > 0)))


@pytest.mark.parametrize("name", LAYERS)
def test_float32_stays_within_the_bounds(name):
    function, *shapes = LAYERS[name]
    torch.manual_seed(0)
    inputs = [torch.randn(shape) for shape in shapes]
    cotangent = torch.randn(function(*inputs).shape)
    program = program_of(function, inputs, cotangent)
    bounds, exact = program.enclosed(frozenset()), program.exact()
    assert not [x.unknown for x in bounds.values() if x.unknown]
    assert all(np.array_equal(x.value, exact[key]) for key, x in bounds.items())
    runs = [gradients(function, inputs, cotangent)]
    with Adversary():
        runs.append(gradients(function, inputs, cotangent))
    assert max(share(run[key], x) for run in runs for key, x in bounds.items()) < 1
    moved = {key: np.where(x.value == 0, 0, x.value * (1 + 2**-9)) for key, x in bounds.items()}
    assert any(np.any(np.abs(moved[key] - x.value) > x.bound) for key, x in bounds.items())


#: Of the operations that the rules of noise are tried on, every Nth.
EVERY = 9


@pytest.mark.parametrize("case", [*ELEMENTWISE_CASES, *WINDOW_CASES][::EVERY], ids=lambda case: case.name)
def test_operations_of_all_kinds_stay_within_their_bounds_or_have_none(case):
    given = case.draw()
    leaves = [x.requires_grad_(case.backward) if x.is_floating_point() else x for x in given]

    def run():
        out = case.function(*leaves)
        wanted = [x for x in leaves if x.requires_grad]
        has_slopes = wanted and out.requires_grad
        slopes = torch.autograd.grad(out.sum(), wanted, allow_unused=True) if has_slopes else ()
        return {"out": out, **{at: slope for at, slope in enumerate(slopes) if slope is not None}}

    bounds = TorchProgram(run, lambda: None, held=lambda: given).enclosed(frozenset())
    got = run()
    assert all(x.unknown or share(got[key], x) < 1 for key, x in bounds.items())


def test_the_adversary_comes_near_the_bounds():
    torch.manual_seed(0)
    x, c = torch.rand(1, 400) + 1, torch.ones(1)
    bounds = program_of(lambda x: x.exp().sum(-1), [x], c).enclosed(frozenset())
    with Adversary():
        worst = gradients(lambda x: x.exp().sum(-1), [x], c)
    assert share(worst["out"], bounds["out"]) < 1
    assert share(worst[0], bounds[0]) > 1 / 2  # 15 of 16 units, and the rounding


def test_a_gate_that_rounding_flips_covers_both_sides():
    edge = torch.full((1, 3), 1 / 3)
    w = torch.tensor([[1.0], [1.0], [-2.0]])
    bounds = program_of(lambda x: (x @ w).relu(), [edge], torch.ones(1, 1)).enclosed(frozenset())
    assert (bounds[0].bound >= w.T.abs().numpy()).all()


def test_what_has_no_rule_is_named_and_goes_no_further():
    x = torch.rand(4, 4) + 1
    bounds = program_of(lambda x: torch.lgamma(x) + x, [x], torch.ones(4, 4)).enclosed(frozenset())
    assert bounds["out"].unknown == "lgamma"
    assert np.isinf(bounds["out"].bound).all()
    bounds = program_of(lambda x: 2 * x + 0 * torch.zeros_like(torch.lgamma(x)), [x], torch.ones(4, 4))
    assert not bounds.enclosed(frozenset())["out"].unknown


def test_given_arrays_may_owe_a_rounding():
    from samestep.agreement.arithmetic.program import constant_digest

    x = torch.rand(4, 5)
    program = program_of(lambda x: x.relu(), [x], torch.ones(4, 5))
    assert not program.enclosed(frozenset())["out"].bound.any()
    owing = program.enclosed(frozenset({constant_digest(x.numpy())}))["out"].bound
    assert np.array_equal(owing, U * x.double().numpy())


def test_numbers_of_the_code_owe_a_rounding_unless_they_are_short():
    x = torch.rand(4, 5)
    short = program_of(lambda x: x.clamp(max=0.5), [x], torch.ones(4, 5)).enclosed(frozenset())["out"]
    long = program_of(lambda x: x.clamp(max=0.3), [x], torch.ones(4, 5)).enclosed(frozenset())["out"]
    assert not short.bound.any()
    assert np.array_equal(long.bound > 0, x.numpy() > 0.3)


def test_operands_are_rounded_as_the_contract_says():
    torch.manual_seed(0)
    x, w, c = torch.randn(4, 32), torch.randn(32, 4), torch.randn(4, 4)
    cut = lambda a: torch.from_numpy((a.numpy().view(np.int32) & ~0x1FFF).view(np.float32))  # noqa: E731
    plain = program_of(torch.matmul, [x, w], c).enclosed(frozenset())["out"]
    declared = program_of(torch.matmul, [x, w], c, Contract.TF32).enclosed(frozenset())["out"]
    assert share(cut(x) @ cut(w), plain) > 1 > share(cut(x) @ cut(w), declared)


def test_complex_numbers_have_no_bound():
    x = torch.rand(3)
    run = lambda: {"out": torch.complex(x, x).abs(), "real": x * 3}  # noqa: E731
    bounds = TorchProgram(run, lambda: None, held=lambda: [x]).enclosed(frozenset())
    assert bounds["out"].unknown == "complex"
    assert not bounds["real"].unknown


def test_large_integers_are_rounded_where_they_become_floats():
    count = torch.tensor([3, 2**25 + 1])
    run = lambda x: x * count.float()  # noqa: E731
    bound = program_of(run, [torch.ones(2)], torch.ones(2)).enclosed(frozenset())["out"].bound
    assert 0 < bound[0] < 1 <= bound[1]


def test_other_dtypes_have_no_bound():
    with pytest.raises(Refused, match="another dtype"):
        program_of(lambda x: x.bfloat16() * 2, [torch.rand(3)], torch.ones(3)).enclosed(frozenset())


def test_a_recurrent_layer_has_bounds():
    torch.manual_seed(0)
    layer, x = nn.LSTM(4, 6), torch.randn(5, 2, 4)
    c = torch.randn(5, 2, 6)
    run = lambda x: layer(x)[0]  # noqa: E731
    bounds = program_of(run, [x], c).enclosed(frozenset())
    assert max(share(gradients(run, [x], c)[key], one) for key, one in bounds.items()) < 1
