"""What samestep.compare says of ports that meet a pitfall: what the page has, and where to look."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from samestep.conventions.ports.pitfall import meant_by, pitfalls

jax = pytest.importorskip("jax")
torch = pytest.importorskip("torch")
linen = pytest.importorskip("flax.linen")
optax = pytest.importorskip("optax")

import samestep  # noqa: E402
from samestep.models.fitting.families import FAMILIES  # noqa: E402
from samestep.models.fitting.layer_kinds import ALIASES  # noqa: E402

nn, functional = torch.nn, torch.nn.functional
KINDS = {family.kind for family in FAMILIES}
PITFALLS = {one.name: one for one in pitfalls().values()}


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def linear(p: dict, place: int, x: jax.Array) -> jax.Array:
    return x @ p[f"{place}.weight"].T + p[f"{place}.bias"]


def conv(p: dict, x: jax.Array, stride: int, padding: object) -> jax.Array:
    out = jax.lax.conv(x, p["0.weight"], (stride, stride), padding)
    return out + p["0.bias"][:, None, None]


def mean_of_inside(x: jax.Array) -> jax.Array:
    total = lambda a: jax.lax.reduce_window(a, 0.0, jax.lax.add, (1, 1, 3, 3), (1, 1, 1, 1), "SAME")  # noqa: E731
    return total(x) / total(jax.numpy.ones_like(x))


def said_of(layers: Sequence[nn.Module], port: Callable, x: np.ndarray, **options: object) -> str:
    """Return what is printed of a port of these layers, which has their parameters."""
    torch.manual_seed(0)
    for layer in layers:
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    model = nn.Sequential(*layers)
    params = {name: jax.numpy.asarray(value.detach().numpy()) for name, value in model.named_parameters()}
    candidate = samestep.Model(port, params)
    return str(samestep.compare(candidate, model, (x,), variants=False, replicas=8, **options))


def between_layers(middle: nn.Module, port: Callable, size: float = 1.0, **options: object) -> str:
    """Return what is printed where ``port(params, hidden)`` stands for a layer between two dense ones."""
    layers = nn.Linear(8, 8), middle, nn.Linear(8, 4)
    whole = lambda p, x: linear(p, 2, port(p, linear(p, 0, x)))  # noqa: E731
    return said_of(layers, whole, size * normal(6, 8), **options)


def layer_norm(p: dict, h: jax.Array) -> jax.Array:
    return linen.LayerNorm().apply({"params": {"scale": p["1.weight"], "bias": p["1.bias"]}}, h)


def unchanged(p: dict, h: jax.Array) -> jax.Array:
    return h


def half_huber() -> str:
    losses = (
        lambda o, t: optax.huber_loss(o, t, delta=0.5).mean(),
        lambda o, t: functional.smooth_l1_loss(o, t, beta=0.5),
    )
    return between_layers(nn.Identity(), unchanged, loss=losses, targets=normal(6, 4))


def other_decay() -> str:
    pair = optax.adamw(0.01), lambda parameters: torch.optim.AdamW(parameters, 0.01)
    return between_layers(nn.Identity(), unchanged, loss="mse", targets=normal(6, 4), optimizer=pair, steps=1)


def flattened(p: dict, x: jax.Array) -> jax.Array:
    return linear(p, 2, conv(p, x, 1, "VALID").transpose(0, 2, 3, 1).reshape(2, -1))


PORTS: dict[str, Callable[[], str]] = {
    "gelu": lambda: between_layers(nn.GELU(), lambda p, h: jax.nn.gelu(h)),
    "leaky_relu": lambda: between_layers(nn.LeakyReLU(), lambda p, h: jax.nn.leaky_relu(h, 0.2)),
    "layer_norm_eps": lambda: between_layers(nn.LayerNorm(8), layer_norm, 0.02),
    "dense_kernel": lambda: between_layers(nn.Linear(8, 8), lambda p, h: h @ p["1.weight"] + p["1.bias"]),
    "smooth_l1": half_huber,
    "adamw_decay": other_decay,
    "symmetric_padding": lambda: said_of(
        (nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU()),
        lambda p, x: jax.nn.relu(conv(p, x, 2, "SAME")),
        normal(2, 3, 6, 6),
    ),
    "flatten_order": lambda: said_of(
        (nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(64, 5)), flattened, normal(2, 3, 6, 6)
    ),
    "average_pool_border": lambda: said_of(
        (nn.Conv2d(3, 4, 3), nn.AvgPool2d(3, 1, 1)),
        lambda p, x: mean_of_inside(conv(p, x, 1, "VALID")),
        normal(2, 3, 6, 6),
    ),
}


@pytest.mark.parametrize("name", PORTS)
def test_a_port_is_told_as_the_page_says(name):
    text = PORTS[name]()
    assert f"looks like: {PITFALLS[name].said} (what is left is rounding)" in text
    pointer = f"how it matches: samestep conventions {name}\n"
    assert (pointer in text) == bool(PITFALLS[name].kinds)


def test_what_the_page_says_has_a_port():
    assert set(PORTS) == {name for name, one in PITFALLS.items() if one.said}


def test_kinds_are_those_of_the_families_and_mean_one_pitfall():
    kinds = [kind for one in PITFALLS.values() for kind in one.kinds]
    assert len(set(kinds)) == len(kinds)
    for kind in kinds:
        layer, _, mistake = kind.rpartition(": ")
        assert mistake in KINDS
        assert layer in ("", "update", *ALIASES)


def test_an_eps_means_the_layer_that_it_is_in():
    names = {
        layer: meant_by(layer, "eps") for layer in ("layer_norm", "batch_norm", "update", "instance_norm")
    }
    assert {layer: one and one.name for layer, one in names.items()} == {
        "layer_norm": "layer_norm_eps", "batch_norm": "batch_norm_eps", "update": "adam_eps",
        "instance_norm": None,
    }  # fmt: skip
