"""Layers with a mistake planted in them, in NumPy at any precision: the reference's code and the wrong one.

They are written apart from what the fitting recomputes: plain code, as a framework's would be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.special import erf, expit

from samestep.models.fitting.difference import Difference
from samestep.models.tensors import Role

Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Planted:
    """A layer's ``right`` and ``wrong`` code: functions of its inputs and parameters, in their dtype."""

    kind: str
    inputs: Arrays
    right: Callable[..., np.ndarray]
    wrong: Callable[..., np.ndarray]
    parameters: Mapping[str, np.ndarray] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    before: np.ndarray | None = None
    role: Role = Role.LAYER
    tensor: str = ""
    hidden: bool = False

    def difference(self, dtype: str, honest: bool = False) -> Difference:
        """Return the difference of the wrong code in ``dtype`` from the right one in float64.

        ``honest``: the right code in ``dtype``. sigma is twice what the right code errs by in float32, which
        is how the model stands to real errors; of the exact comparison, scaled to float64.
        """
        single = self._run(self.right, "float32")
        expected = self._run(self.right, "float64")
        got = self._run(self.right if honest else self.wrong, dtype)
        error = 2 * float(np.sqrt(np.square(single - expected).mean()))
        sigma = np.maximum(error, np.abs(expected) * 2.0**-25)
        unit = 1.0 if dtype == "float32" else 2.0**-29
        inputs = () if self.hidden else tuple(np.asarray(x, np.float64) for x in self.inputs)
        parameters = {name: np.asarray(p, np.float64) for name, p in self.parameters.items()}
        return Difference(
            self.kind, self.settings, inputs, parameters,
            expected, got, sigma * unit, self.before, self.role, self.tensor,
        )  # fmt: skip

    def _run(self, code: Callable[..., np.ndarray], dtype: str) -> np.ndarray:
        cast = lambda x: x.astype(dtype) if x.dtype.kind == "f" else x  # noqa: E731
        parameters = {name: cast(p) for name, p in self.parameters.items() if not name.isdigit()}
        with np.errstate(all="ignore"):
            return np.asarray(code(*map(cast, self.inputs), **parameters), np.float64)


def normal(rng: np.random.Generator, *shape: int, scale: float = 1.0, mean: float = 0.0) -> np.ndarray:
    """Random numbers that float32 holds exactly."""
    return (mean + scale * rng.standard_normal(shape)).astype(np.float32).astype(np.float64)


# -- norms ---------------------------------------------------------------------------------------------


def layer_norm(x, weight, bias, eps=1e-5, ddof=0, outside=False, axes=(-1,), mean=True):
    m = x.mean(axes, keepdims=True) if mean else np.zeros((), x.dtype)
    v = np.square(x - m).sum(axes, keepdims=True) / (x.size // x.mean(axes).size - ddof)
    d = np.sqrt(v) + x.dtype.type(eps) if outside else np.sqrt(v + x.dtype.type(eps))
    return (x - m) / d * weight + bias


def one_pass_norm(x, weight, bias, eps=1e-5):
    x = x.astype(np.float32)
    m = x.mean(-1, keepdims=True)
    v = np.square(x).mean(-1, keepdims=True) - np.square(m)
    return ((x - m) / np.sqrt(v + np.float32(eps)) * weight + bias).astype(np.float32)


def group_norm(x, weight, bias, groups=2, strided=False, eps=1e-5):
    n, c = x.shape[:2]
    cut = (n, c // groups, groups, -1) if strided else (n, groups, c // groups, -1)
    p = x.reshape(cut)
    axes = (1, 3) if strided else (2, 3)
    y = (p - p.mean(axes, keepdims=True)) / np.sqrt(p.var(axes, keepdims=True) + x.dtype.type(eps))
    shape = (1, c, *[1] * (x.ndim - 2))
    return y.reshape(x.shape) * weight.reshape(shape) + bias.reshape(shape)


def batch_norm(x, weight, bias, running_mean, running_var, eps=1e-5, train=True):
    s = (1, -1, *[1] * (x.ndim - 2))
    axes = (0, *range(2, x.ndim))
    m, v = (x.mean(axes), x.var(axes)) if train else (running_mean, running_var)
    y = (x - m.reshape(s)) / np.sqrt(v.reshape(s) + x.dtype.type(eps))
    return y * weight.reshape(s) + bias.reshape(s)


def norms(rng) -> dict[str, Planted]:
    width, x = 48, normal(rng, 6, 5, 48) * np.exp(normal(rng, 6, 5, 1))
    p = {"weight": 1 + normal(rng, width, scale=0.2), "bias": normal(rng, width, scale=0.2)}
    flat = lambda **changes: lambda x, weight, bias: layer_norm(x, weight, bias, **changes)  # noqa: E731
    image = normal(rng, 3, 6, 5, 5) * np.exp(normal(rng, 3, 6, 1, 1))
    q = {"weight": 1 + normal(rng, 6, scale=0.2), "bias": normal(rng, 6, scale=0.2)}
    b = {**q, "running_mean": normal(rng, 6), "running_var": np.exp(normal(rng, 6))}
    layer = lambda wrong, right=layer_norm, **more: Planted(  # noqa: E731
        "LayerNorm", (x,), right, wrong, p, {"eps": 1e-5}, **more
    )
    rms = lambda **c: lambda x, weight: layer_norm(x, weight, 0, mean=False, **c)  # noqa: E731
    batch = lambda **c: lambda x, **p: batch_norm(x, **p, **c)  # noqa: E731
    far = normal(rng, 6, 5, 48, mean=100)
    return {
        "eps: layer norm": layer(flat(eps=1e-3)),
        "eps: layer norm, small": layer(flat(eps=1e-6)),
        "eps: hidden input": layer(flat(eps=1e-3), hidden=True),
        "eps: rms norm": Planted(
            "LlamaRMSNorm", (x,), rms(), rms(eps=1e-3), {"weight": p["weight"]}, {"eps": 1e-5}
        ),
        "eps: batch norm": Planted("BatchNorm2d", (image,), batch(), batch(eps=1e-3), b, {"eps": 1e-5}),
        "eps: group norm": Planted(
            "GroupNorm", (image,), group_norm, lambda x, **p: group_norm(x, **p, eps=1e-2), q,
            {"eps": 1e-5, "num_groups": 2},
        ),
        "eps place: layer norm": Planted(
            "LayerNorm", (x,), flat(eps=1e-3), flat(eps=1e-3, outside=True), p, {"eps": 1e-3}
        ),
        "ddof: layer norm": layer(flat(ddof=1)),
        "axis: layer norm": layer(flat(axes=(1, 2))),
        "axis: groups": Planted(
            "GroupNorm", (image,), group_norm, lambda x, **p: group_norm(x, **p, strided=True), q,
            {"eps": 1e-5, "num_groups": 2},
        ),
        "axis: batch statistics": Planted(
            "BatchNorm2d", (image,), batch(train=False), batch(), b, {"eps": 1e-5}
        ),
        "axis: mean not subtracted": layer(flat(mean=False)),
        "affine: no bias": layer(lambda x, weight, bias: layer_norm(x, weight, 0)),
        "affine: 1 + w": layer(lambda x, weight, bias: layer_norm(x, 1 + weight, bias)),
        "one-pass: layer norm": Planted("LayerNorm", (far,), layer_norm, one_pass_norm, p, {"eps": 1e-5}),
    }  # fmt: skip


# -- activations, softmax, attention -------------------------------------------------------------------


def gelu_erf(x):
    return x * (1 + erf(x / np.sqrt(x.dtype.type(2)))) / 2


def gelu_tanh(x):
    return x / 2 * (1 + np.tanh(x.dtype.type((2 / np.pi) ** 0.5) * (x + x.dtype.type(0.044715) * x**3)))


def swish(x, beta=1.0):
    return x * expit(x.dtype.type(beta) * x)


def soft(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def activations(rng) -> dict[str, Planted]:
    x = normal(rng, 20, 30, scale=3)
    relu = lambda x: np.maximum(x, 0)  # noqa: E731
    act = lambda kind, right, wrong, **s: Planted(kind, (x,), right, wrong, settings=s)  # noqa: E731
    leaky = lambda slope: lambda x: np.where(x > 0, x, x.dtype.type(slope) * x)  # noqa: E731
    masked = np.where(np.arange(30) < rng.integers(5, 29, (20, 1)), x, -np.inf)
    return {
        "slope: leaky for relu": act("ReLU", relu, leaky(0.01)),
        "slope: 0.2 for 0.01": act("LeakyReLU", leaky(0.01), leaky(0.2), negative_slope=0.01),
        "cap: relu6": act("ReLU", relu, lambda x: np.clip(x, 0, 6)),
        "gelu form: tanh": act("GELU", gelu_erf, gelu_tanh),
        "gelu form: erf": act("NewGELUActivation", gelu_tanh, gelu_erf),
        "gelu form: quick": act("GELU", gelu_erf, lambda x: x * expit(x.dtype.type(1.702) * x)),
        "beta: swish": act("SiLU", swish, lambda x: swish(x, 1.5)),
        "activation: relu for gelu": act("GELU", gelu_erf, relu),
        "activation: gelu for relu": act("ReLU", relu, gelu_tanh),
        "scale: softmax": act("Softmax", soft, lambda x: soft(x / 2)),
        "axis: softmax": act("Softmax", soft, lambda x: soft(x, 0), dim=-1),
        "mask value: softmax": Planted(
            "Softmax", (masked,), soft, lambda x: soft(np.where(np.isinf(x), x.dtype.type(-10), x))
        ),
    }


def attend(q, k, v, scale=None, blocked=None, fill=-np.inf, added=False):
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    s = q @ k.swapaxes(-1, -2) * q.dtype.type(scale)
    if blocked is not None:
        s = (
            s + np.where(blocked, q.dtype.type(fill), q.dtype.type(0))
            if added
            else np.where(blocked, q.dtype.type(fill), s)
        )
    return soft(s) @ v


def heads_of(x, n, swap=False):
    cut = (x.shape[-1] // n, n) if swap else (n, x.shape[-1] // n)
    y = x.reshape(*x.shape[:2], *cut)
    return y.transpose(0, 3, 1, 2) if swap else y.transpose(0, 2, 1, 3)


def multi_head(x, in_proj_weight, in_proj_bias, out_weight, out_bias, swap=False, **changes):
    q, k, v = np.split(x @ in_proj_weight.T + in_proj_bias, 3, -1)
    out = attend(*(heads_of(t, 4, swap) for t in (q, k, v)), **changes)
    return out.transpose(0, 2, 1, 3).reshape(x.shape) @ out_weight.T + out_bias


def attention(rng) -> dict[str, Planted]:
    q, k, v = (normal(rng, 2, 4, 7, 8) for _ in range(3))
    later = np.triu(np.ones((7, 7), bool), 1)
    x, e = normal(rng, 3, 7, 16), 16
    p = {
        "in_proj_weight": normal(rng, 3 * e, e, scale=0.4), "in_proj_bias": normal(rng, 3 * e, scale=0.2),
        "out_proj.weight": normal(rng, e, e, scale=0.3), "out_proj.bias": normal(rng, e, scale=0.2),
    }  # fmt: skip

    def mha(**changes):
        def code(x, in_proj_weight, in_proj_bias, **out):
            return multi_head(
                x, in_proj_weight, in_proj_bias, out["out_proj.weight"], out["out_proj.bias"], **changes
            )

        return code

    sdpa = lambda right, wrong: Planted(  # noqa: E731
        "scaled_dot_product_attention", (q, k, v),
        lambda q, k, v: attend(q, k, v, **right), lambda q, k, v: attend(q, k, v, **wrong),
    )  # fmt: skip
    module = lambda right, wrong: Planted(  # noqa: E731
        "MultiheadAttention", (x,), mha(**right), mha(**wrong), p, {"num_heads": 4, "batch_first": True}
    )
    causal = {"blocked": later}
    rope = lambda **c: lambda x: rotate(x, **c)  # noqa: E731
    turned = normal(rng, 2, 3, 9, 8)
    rotary = lambda wrong, right=rotate: Planted("RotaryEmbedding", (turned,), right, wrong)  # noqa: E731
    return {
        "scale: 1/d": sdpa({}, {"scale": 1 / 8}),
        "scale: none": module({}, {"scale": 1.0}),
        "scale: other": module({}, {"scale": 0.3}),
        "mask: causal missing": sdpa(causal, {}),
        "mask: causal shifted": module(causal, {"blocked": np.triu(later, 2)}),
        "mask: causal added": module({}, causal),
        "mask value: -5": sdpa(causal, {**causal, "fill": -5}),
        "mask value: -10 added": module(causal, {**causal, "fill": -10, "added": True}),
        "heads: cut otherwise": module({}, {"swap": True}),
        "rotary: pairs": rotary(rope(interleaved=True)),
        "rotary: offset": rotary(rope(offset=1)),
        "rotary: base": rotary(rope(base=5e5)),
        "rotary: halves": rotary(rotate, rope(interleaved=True)),
    }


def rotate(x, interleaved=False, offset=0, base=1e4):
    h = x.shape[-1] // 2
    angle = (np.arange(x.shape[-2])[:, None] + offset) / base ** (np.arange(h) / h)
    cos, sin = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
    a, b = (x[..., ::2], x[..., 1::2]) if interleaved else (x[..., :h], x[..., h:])
    y = np.empty_like(x)
    if interleaved:
        y[..., ::2], y[..., 1::2] = a * cos - b * sin, b * cos + a * sin
    else:
        y[..., :h], y[..., h:] = a * cos - b * sin, b * cos + a * sin
    return y


# -- products, windows, recurrences --------------------------------------------------------------------


def convolve(x, weight, bias, pad=(1, 1), stride=1):
    p = np.pad(x, ((0, 0), (0, 0), pad, pad))
    k = weight.shape[-1]
    h = (p.shape[2] - k) // stride + 1
    out = np.empty((len(x), len(weight), h, h), x.dtype)
    for i in range(h):
        for j in range(h):
            piece = p[:, :, i * stride : i * stride + k, j * stride : j * stride + k]
            out[:, :, i, j] = np.tensordot(piece, weight, ((1, 2, 3), (1, 2, 3)))
    return out + bias.reshape(-1, 1, 1)


def mean_pool(x, counts=True):
    p, ones = (np.pad(a, ((0, 0), (0, 0), (1, 1), (1, 1))) for a in (x, np.ones_like(x)))
    out = np.empty((*x.shape[:2], 3, 3), x.dtype)
    for i in range(3):
        for j in range(3):
            cut = (slice(None), slice(None), slice(2 * i, 2 * i + 3), slice(2 * j, 2 * j + 3))
            out[:, :, i, j] = p[cut].sum((2, 3)) / (9 if counts else ones[cut].sum((2, 3)))
    return out


def lstm(
    x,
    weight_ih_l0,
    weight_hh_l0,
    bias_ih_l0,
    bias_hh_l0,
    order="ifgo",
    forget=0.0,
    initial=0.0,
    squash=np.tanh,
):
    h = c = np.full((len(x), weight_hh_l0.shape[1]), initial, x.dtype)
    out = []
    for t in range(x.shape[1]):
        a = x[:, t] @ weight_ih_l0.T + bias_ih_l0 + h @ weight_hh_l0.T + bias_hh_l0
        gate = dict(zip(order, np.split(a, 4, 1), strict=True))
        c = expit(gate["f"] + x.dtype.type(forget)) * c + expit(gate["i"]) * np.tanh(gate["g"])
        h = expit(gate["o"]) * squash(c)
        out.append(h)
    return np.stack(out, 1)


def gru(
    x, weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, after=True, order="rzn", hidden=1, sigmoid=expit
):
    h = np.zeros((len(x), weight_hh_l0.shape[1]), x.dtype)
    out, b = [], bias_hh_l0 * x.dtype.type(hidden)
    for t in range(x.shape[1]):
        a = dict(zip(order, np.split(x[:, t] @ weight_ih_l0.T + bias_ih_l0, 3, 1), strict=True))
        u, v = (dict(zip(order, np.split(p, 3), strict=True)) for p in (weight_hh_l0, b))
        r, z = (sigmoid(a[g] + h @ u[g].T + v[g]) for g in "rz")
        n = r * (h @ u["n"].T + v["n"]) if after else (r * h) @ u["n"].T + v["n"]
        h = (1 - z) * np.tanh(a["n"] + n) + z * h
        out.append(h)
    return np.stack(out, 1)


def products(rng) -> dict[str, Planted]:
    x, w, b = normal(rng, 9, 12), normal(rng, 12, 12), normal(rng, 12)
    linear = lambda x, weight, bias: x @ weight.T + bias  # noqa: E731
    dense = lambda wrong: Planted("Linear", (x,), linear, wrong, {"weight": w, "bias": b})  # noqa: E731
    image, k = normal(rng, 2, 3, 6, 6), normal(rng, 5, 3, 3, 3)
    q = {"weight": k, "bias": normal(rng, 5)}
    conv = lambda wrong, right=convolve, s=1: Planted("Conv2d", (image,), right, wrong, q, {"stride": s})  # noqa: E731
    flat = normal(rng, 6, 3 * 4 * 4)
    wide = {"weight": normal(rng, 7, 48), "bias": normal(rng, 7)}
    moved = lambda x: x.reshape(-1, 3, 4, 4).transpose(0, 2, 3, 1).reshape(-1, 48)  # noqa: E731
    index = rng.integers(1, 19, (4, 6))
    table = {"weight": normal(rng, 20, 8)}
    small = normal(rng, 2, 4, 6, 6)
    strided = lambda pad: lambda x, weight, bias: convolve(x, weight, bias, pad, 2)  # noqa: E731
    return {
        "transposed: linear": dense(lambda x, weight, bias: x @ weight + bias),
        "bias: missing": dense(lambda x, weight, bias: x @ weight.T),
        "bias: twice": dense(lambda x, weight, bias: x @ weight.T + 2 * bias),
        "following: relu": dense(lambda *a, **p: np.maximum(linear(*a, **p), 0)),
        "following: gelu": dense(lambda *a, **p: gelu_tanh(linear(*a, **p))),
        "feature order: flatten": Planted(
            "Linear", (flat,), linear, lambda x, **p: linear(moved(x), **p), wide
        ),
        "transposed: kernel flipped": conv(
            lambda x, weight, bias: convolve(x, weight[:, :, ::-1, ::-1], bias)
        ),
        "transposed: kernel's axes": conv(lambda x, weight, bias: convolve(x, weight.swapaxes(2, 3), bias)),
        "padding: same for symmetric": conv(strided((0, 1)), strided((1, 0)), 2),
        "bias: conv": conv(lambda x, weight, bias: convolve(x, weight, 0 * bias)),
        "counted padding: pool": Planted(
            "AvgPool2d", (small,), mean_pool, lambda x: mean_pool(x, False), {},
            {"kernel_size": 3, "stride": 2},
        ),
        "indices: off by one": Planted(
            "Embedding", (index,), lambda i, weight: weight[i], lambda i, weight: weight[i + 1], table
        ),
        "indices: scaled": Planted(
            "Embedding", (index,), lambda i, weight: weight[i],
            lambda i, weight: weight[i] * weight.dtype.type(8**0.5), table,
        ),
    }  # fmt: skip


def recurrences(rng) -> dict[str, Planted]:
    x = normal(rng, 3, 6, 5)

    def weights(gates):
        return {
            "weight_ih_l0": normal(rng, gates * 4, 5), "weight_hh_l0": normal(rng, gates * 4, 4),
            "bias_ih_l0": normal(rng, gates * 4), "bias_hh_l0": normal(rng, gates * 4),
        }  # fmt: skip

    four, three, s = weights(4), weights(3), {"batch_first": True}
    long = lambda **c: Planted("LSTM", (x,), lstm, lambda x, **p: lstm(x, **p, **c), four, s)  # noqa: E731
    gated = lambda **c: Planted("GRU", (x,), gru, lambda x, **p: gru(x, **p, **c), three, s)  # noqa: E731
    return {
        "gate order: lstm": long(order="ifog"),
        "gate order: gru": gated(order="zrn"),
        "forget bias: lstm": long(forget=1.0),
        "initial state: lstm": long(initial=1.0),
        "gate function: lstm": long(squash=lambda c: np.maximum(c, 0)),
        "gate function: gru": gated(
            sigmoid=lambda x: np.clip(x.dtype.type(0.2) * x + x.dtype.type(0.5), 0, 1)
        ),
        "reset: gru": gated(after=False),
        "bias: gru": gated(hidden=0),
        "direction: lstm": Planted("LSTM", (x,), lstm, lambda x, **p: lstm(x[:, ::-1], **p), four, s),
    }


# -- losses, statistics, gradients, updates, anything --------------------------------------------------


def cross_entropy(logits, targets, smoothing=0.0, counted=False, total=False, gradient=False, index=-100):
    kept = targets != -100
    kind = logits.dtype.type
    logp = logits - logits.max(1, keepdims=True)
    logp = logp - np.log(np.exp(logp).sum(1, keepdims=True))
    k = logits.shape[1]
    q = np.full(logits.shape, kind(smoothing / k), logits.dtype)
    q[np.arange(len(q)), np.where(kept, targets, 0)] += kind(1 - smoothing)
    n = kind(1 if total else len(q) if counted else kept.sum())
    if gradient:
        return (np.exp(logp) - q) * kept[:, None] / n
    return np.asarray(-((q * logp).sum(1) * kept).sum() / n)


def losses(rng) -> dict[str, Planted]:
    logits, targets = normal(rng, 23, 10, scale=2), rng.integers(0, 10, 23)
    some = np.where(rng.random(23) < 0.3, -100, targets)

    def loss(wrong, t=targets, role=Role.LOSS, **right):
        code = lambda given: lambda logits, targets: cross_entropy(logits, targets, **given)  # noqa: E731
        return Planted("loss:cross_entropy", (logits, t), code(right), code({**right, **wrong}), role=role)

    gradient = {"gradient": True, "role": Role.LAYER_GRADIENT}
    return {
        "smoothing: loss": loss({"smoothing": 0.1}),
        "smoothing: gradient": loss({"smoothing": 0.05}, **gradient),
        "ignored: loss": loss({"counted": True}, some),
        "ignored: gradient": loss({"counted": True}, some, **gradient),
        "reduction: loss": loss({"total": True}),
        "reduction: gradient": loss({"total": True}, **gradient),
    }


def adam(*grads, params=None, lr=0.01, b1=0.9, b2=0.999, eps=1e-8, place="after", corrects=True, decay=0.0,
         decoupled=False):  # fmt: skip
    t = grads[0].dtype.type
    m, v = np.zeros_like(grads[0]), np.zeros_like(grads[0])
    for n, g in enumerate(grads, 1):
        g = g if decoupled else g + t(decay) * params
        m, v = t(b1) * m + t(1 - b1) * g, t(b2) * v + t(1 - b2) * g * g
        c1, c2 = (1 - b1**n, 1 - b2**n) if corrects else (1, 1)
        if place == "inside":
            root = np.sqrt(v / t(c2) + t(eps))
        elif place == "before":
            root = (np.sqrt(v) + t(eps)) / t(c2**0.5)
        else:
            root = np.sqrt(v / t(c2)) + t(eps)
    return -t(lr) * (m / t(c1) / root) - (t(lr * decay) * params if decoupled else 0)


def sgd(*grads, lr=0.1, momentum=0.9, dampening=0.0, nesterov=False, ema=False):
    t, v = grads[0].dtype.type, np.zeros_like(grads[0])
    for n, g in enumerate(grads):
        share = 1 - momentum if ema else 1 if n == 0 else 1 - dampening
        v = t(momentum) * v + t(share) * g
    return -t(lr) * (g + t(momentum) * v if nesterov else v)


def adagrad(*g, lr=0.1, eps=1e-10, initial=0.0):
    total = sum((x * x for x in g), np.full_like(g[0], initial))
    return -g[0].dtype.type(lr) * g[-1] / (np.sqrt(total) + g[0].dtype.type(eps))


def updates(rng) -> dict[str, Planted]:
    grads = tuple(normal(rng, 8, 9, scale=0.1) for _ in range(3))
    tiny = tuple(g * 2.0**-10 for g in grads)
    p = normal(rng, 8, 9)

    def plan(name, code, wrong, g=grads, **settings):
        keep = {"params": p} if code is adam else {}
        run = lambda c: lambda *g, **q: code(*g, **{k: v.astype(g[0].dtype) for k, v in keep.items()}, **c)  # noqa: E731
        own = {k: v for k, v in settings.items() if k not in ("learning_rate", "weight_decay")}
        own |= {"decay": settings["weight_decay"]} if "weight_decay" in settings else {}
        own |= {"decoupled": True} if name == "adamw" else {}
        rate = {"learning_rate": 0.01 if code is adam else 0.1}
        return Planted(
            f"update:{name}", g, run(own), run({**own, **wrong}), {}, {**rate, "momentum": 0.9, **settings}
            if code is sgd else {**rate, **settings}, before=p, role=Role.UPDATE, tensor="w",
        )  # fmt: skip

    return {
        "rate: sgd": plan("sgd", sgd, {"lr": 0.05}),
        "rate: adam": plan("adam", adam, {"lr": 0.001}),
        "eps: adam": plan("adam", adam, {"eps": 1e-6}, tiny),
        "eps: place": plan("adam", adam, {"place": "before"}, tiny, eps=1e-6),
        "eps: inside": plan("adam", adam, {"place": "inside"}, tiny, eps=1e-6),
        "bias correction: adam": plan("adam", adam, {"corrects": False}),
        "decay: coupled": plan("adamw", adam, {"decoupled": False}, weight_decay=0.1),
        "decay: missing": plan("adamw", adam, {"decay": 0.0}, weight_decay=0.1),
        "decay: other": plan("adamw", adam, {"decay": 0.01}, weight_decay=0.1),
        "betas: beta2": plan("adam", adam, {"b2": 0.99}),
        "momentum form: nesterov": plan("sgd", sgd, {"nesterov": True}),
        "momentum form: dampening": plan("sgd", sgd, {"dampening": 0.9}),
        "momentum form: average": plan("sgd", sgd, {"ema": True}, grads[:2]),
        "initial sum: adagrad": plan("adagrad", adagrad, {"initial": 0.1}, eps=1e-10),
        "betas: momentum": plan("sgd", sgd, {"momentum": 0.8}),
    }


def statistics(rng) -> dict[str, Planted]:
    x, old = normal(rng, 4, 6, 3, 3) * np.exp(normal(rng, 6, 1, 1)), np.exp(normal(rng, 6))

    def state(momentum=0.1, ddof=1):
        return lambda x: (1 - momentum) * old.astype(x.dtype) + momentum * x.var((0, 2, 3), ddof=ddof)

    plan = lambda wrong: Planted(  # noqa: E731
        "BatchNorm2d",
        (x,),
        state(),
        wrong,
        {},
        {"momentum": 0.1, "eps": 1e-5},
        old,
        Role.STATE,
        "running_var",
    )
    return {
        "momentum: 0.9": plan(state(0.9)),
        "momentum: 0.01": plan(state(0.01)),
        "running variance: biased": plan(state(ddof=0)),
    }


def anything(rng) -> dict[str, Planted]:
    x, y, square = normal(rng, 8, 30), normal(rng, 8, 30), normal(rng, 12, 12)
    mask = rng.random((8, 30)) < 0.9
    add, one = lambda x, y: np.tanh(x) + y, lambda x: np.tanh(x)
    layer = lambda wrong: Planted("Thing", (x,), one, wrong)  # noqa: E731
    gradient = lambda wrong, x=x: Planted("Thing", (x,), one, wrong, role=Role.GRADIENT)  # noqa: E731

    block = {"norm1.weight": 1 + normal(rng, 30, scale=0.2), "norm1.bias": normal(rng, 30, scale=0.2)}
    first = lambda x, p: layer_norm(x, p["norm1.weight"], p["norm1.bias"])  # noqa: E731
    before = lambda x, **p: x + np.tanh(first(x, p))  # noqa: E731
    after = lambda x, **p: first(x, p) + np.tanh(first(x, p))  # noqa: E731

    def one_row(x):
        out = np.tanh(x)
        out[3] *= x.dtype.type(1.5)
        return out

    def one_element(x):
        out = np.tanh(x)
        out[3, 4] += x.dtype.type(0.25)
        return out

    return {
        "lost term: residual": Planted("Block", (x, y), add, lambda x, y: np.tanh(x)),
        "order of norm: block": Planted("Block", (x,), before, after, block),
        "not applied: layer": layer(lambda x: x),
        "factor: layer": layer(lambda x: np.tanh(x) * x.dtype.type(1.25)),
        "factor: sign": gradient(lambda x: -np.tanh(x)),
        "factor: twice": gradient(lambda x: 2 * np.tanh(x)),
        "factor: small": gradient(lambda x: np.tanh(x) * x.dtype.type(1.001)),
        "clipped: gradient": gradient(lambda x: np.tanh(x) / np.sqrt(np.square(np.tanh(x)).sum())),
        "constant: layer": layer(lambda x: np.tanh(x) + x.dtype.type(0.125)),
        "part: row": layer(one_row),
        "element: layer": layer(one_element),
        "dropout: layer": layer(lambda x: np.where(mask, np.tanh(x) / x.dtype.type(0.9), x.dtype.type(0))),
        "order: transposed": gradient(lambda x: np.tanh(x).T, square),
        "order: reversed": layer(lambda x: np.tanh(x)[:, ::-1]),
        "order: shifted": layer(lambda x: np.roll(np.tanh(x), 1, 1)),
        "order: rows": layer(lambda x: np.tanh(x)[np.array([1, 0, 3, 2, 5, 4, 7, 6])]),
        "flatten order: image": Planted(
            "Flatten", (normal(rng, 3, 4, 5, 6),), lambda x: x.reshape(3, -1),
            lambda x: x.transpose(0, 2, 3, 1).reshape(3, -1),
        ),
    }  # fmt: skip


GROUPS = (norms, activations, attention, products, recurrences, losses, updates, statistics, anything)
