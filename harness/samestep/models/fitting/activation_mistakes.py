"""Mistakes in activations: a slope, a cap, the form of a gelu, the beta of a swish, another function."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import erf, expit

from samestep.models.fitting.difference import Difference, Model, Models, fixed, spoken
from samestep.models.fitting.layer_kinds import ACTIVATIONS

Function = Callable[[np.ndarray], np.ndarray]


def _elu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


#: The form of gelu that each name has.
GELUS: dict[str, Function] = {
    "erf": lambda x: x * (1 + erf(x / 2**0.5)) / 2,
    "tanh": lambda x: x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))) / 2,
    "quick": lambda x: x * expit(1.702 * x),
}

#: Activations without a number, by name.
FUNCTIONS: dict[str, Function] = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky relu": lambda x: np.where(x > 0, x, x / 100),
    "silu": lambda x: x * expit(x),
    "elu": _elu,
    "tanh": np.tanh,
    "sigmoid": expit,
    "softplus": lambda x: np.logaddexp(x, 0),
    "mish": lambda x: x * np.tanh(np.logaddexp(x, 0)),
    "identity": lambda x: x,
    **{f"gelu ({name})": function for name, function in GELUS.items()},
}


def slope(d: Difference) -> Models:
    """A slope below 0: a leaky relu, or one with another slope."""
    if (x := d.input) is None:
        return
    own = d.setting("negative_slope", "alpha") if d.layer == "leaky_relu" else 0.0
    known = f"where the reference has {spoken(own)}" if own is not None else "where the reference has another"
    yield Model(
        lambda value: np.where(x > 0, x, value * x),
        lambda value: f"the slope below 0 is {spoken(value)} {known}",
        (0.01, 0.1, 0.2, 0.3),
        free=True,
        check=None if own is None else np.where(x > 0, x, own * x),
    )


def cap(d: Difference) -> Models:
    """A cap above, which relu does not have."""
    if (x := d.input) is None:
        return
    relu, own = np.maximum(x, 0), 6.0 if d.layer == "relu6" else np.inf
    yield Model(
        lambda value: np.minimum(relu, value),
        lambda value: f"the activation is capped at {spoken(value)}",
        (6.0, 1.0, 20.0, float(d.got.max())),
        free=True,
        check=np.minimum(relu, own),
    )
    yield fixed(relu, "the cap at 6 is missing", check=np.minimum(relu, own))


def gelu_form(d: Difference) -> Models:
    """Gelu by erf, by tanh, or by a sigmoid."""
    if (x := d.input) is None:
        return
    forms = {name: function(x) for name, function in GELUS.items()}
    own = min(forms, key=lambda name: float(np.square(forms[name] - d.expected).sum()))
    for name, tensor in forms.items():
        if name != own:
            yield fixed(tensor, f"gelu's {name} form, where the reference has {own}", check=forms[own])


def beta(d: Difference) -> Models:
    """Another beta in x sigmoid(beta x)."""
    if (x := d.input) is None:
        return
    yield Model(
        lambda value: x * expit(value * x),
        lambda value: f"x sigmoid({spoken(value)} x) where the reference has x sigmoid(x)",
        (0.5, 1.5, 1.702),
        free=True,
        check=x * expit(x),
    )


def other_function(d: Difference) -> Models:
    """Another activation altogether."""
    if (x := d.input) is None:
        return
    for name, function in FUNCTIONS.items():
        if not (d.layer == "gelu" and name.startswith("gelu")):
            yield fixed(function(x), f"the activation is {name}, where the reference has {d.kind}")


def following(d: Difference) -> Models:
    """An activation after a layer that has none."""
    if d.layer in ACTIVATIONS:
        return
    for name, function in FUNCTIONS.items():
        if name != "identity":
            yield fixed(function(d.expected), f"{name} follows, which the reference does not have there")
