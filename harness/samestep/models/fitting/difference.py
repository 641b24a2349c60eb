"""A layer whose output differs, with what is known of how it came about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from samestep.agreement.limits import EXPLAINED
from samestep.models.fitting.layer_kinds import layer_kind
from samestep.models.tensors import GRADIENTS, Role

OUT = (Role.LAYER, Role.OUTPUT, Role.LOSS)
FORWARD = (Role.LAYER_INPUT, *OUT)
EVERY = tuple(Role)


@dataclass(frozen=True, eq=False)
class Difference:
    """A tensor that differs: what the reference gives exactly and what the candidate ``got``.

    ``expected``, ``got`` and ``sigma`` have one shape and float64; ``sigma`` is the standard deviation of the
    errors of correct code, of float32's or of the exact comparison. ``kind`` is the reference layer's class
    name (``LayerNorm``), ``"loss:<name>"`` or ``"update:<optimiser>"``, ``settings`` what it was made with
    (eps, momentum). ``inputs`` go into the layer, ``parameters`` by short name (weight, kernel, bias); both
    may be empty.

    A loss has the inputs (logits, targets); with logits' shape it is the loss's gradient with respect to
    them. An update (`Role.UPDATE`) is what the step changed: its inputs are the gradients of all steps up to
    this one, ``before`` is the parameter before it, and ``parameters["0"]``, ... those before earlier steps.
    A state (`Role.STATE`) has its old value as ``before``. Of a gradient, ``inputs`` are what it could be
    summed from. ``tensor`` is its name, for words.
    """

    kind: str
    settings: Mapping[str, object]
    inputs: tuple[np.ndarray, ...]
    parameters: Mapping[str, np.ndarray]
    expected: np.ndarray
    got: np.ndarray
    sigma: np.ndarray
    before: np.ndarray | None = None
    role: Role = Role.LAYER
    tensor: str = ""

    @cached_property
    def layer(self) -> str:
        """The one name of its kind, see `samestep.models.fitting.layer_kinds`."""
        return layer_kind(self.kind)

    @property
    def input(self) -> np.ndarray | None:
        """The first input; None where none is known."""
        return self.inputs[0] if self.inputs else None

    @property
    def what(self) -> str:
        """What a sentence calls the tensor."""
        if self.role is Role.UPDATE:
            return "the update"
        if self.role in GRADIENTS:
            return "the gradient"
        if self.role is Role.LAYER_INPUT:
            return f"what goes into {self.tensor}"
        if self.role is Role.STATE:
            return self.tensor or "the state"
        return "the loss" if self.layer.startswith("loss:") and not self.expected.ndim else "the output"

    def setting(self, *names: str) -> float | None:
        """Return the first number among the settings of these names; None without one."""
        for name in names:
            value = self.settings.get(name)
            if isinstance(value, (int, float, np.integer, np.floating)):
                return float(value)
        return None

    def parameter(self, *names: str) -> np.ndarray | None:
        """Return the first parameter whose name is, or ends with, one of these; None without one."""
        for name in names:
            for full, value in self.parameters.items():
                if full == name or full.endswith((f".{name}", f"/{name}")):
                    return value
        return None


class Model(NamedTuple):
    """A mistake as a function of one number: the ``tensor`` that it gives, and how to ``say`` it.

    ``starts`` are the values to try first; only these where it is not ``free``. ``check`` is the
    reference's own output as the model computes it: where it is another, the model is not used.
    ``logarithmic``: the number is
    positive and known by its magnitude. ``digits`` is how much else was chosen to fit, in decimal digits.
    ``own`` is the reference's number, where people would choose the distance from it as well (a factor's 1).
    ``describes``: it only says which part is wrong, which no chance can make true.
    """

    tensor: Callable[[float], np.ndarray]
    say: Callable[[float], str]
    starts: tuple[float, ...] = (1.0,)
    free: bool = False
    check: np.ndarray | None = None
    logarithmic: bool = False
    digits: float = 0.0
    describes: bool = False
    own: float | None = None


Models = Iterator[Model]


def fixed(tensor: np.ndarray, text: str, digits: float = 0.0, check: np.ndarray | None = None) -> Model:
    """Return the model of a mistake without a number."""
    return Model(lambda _: tensor, lambda _: text, check=check, digits=digits)


def spoken(value: float) -> str:
    """Return a number as a person writes it: 1e-3, 0.25, 10000."""
    text = f"{value:.6g}"
    if 0 < abs(value) < 1 / 100 or abs(value) >= 10**5:
        mantissa, _, exponent = f"{value:.5e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return text


def times(value: float) -> str:
    """Return what a factor does, in words: "2 times what it should be", "off by +1e-3 of itself"."""
    if abs(value - 1) < EXPLAINED:
        return f"off by {'+' if value > 1 else ''}{spoken(value - 1)} of itself"
    return f"{spoken(value)} times what it should be"
