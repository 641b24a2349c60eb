"""Two calls of a model, one after the other: what it remembers beside its state shows in the second."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from samestep.agreement.aside import Aside
from samestep.models.tensors import TensorKey, Tensors

#: How deep containers and objects are looked into, how many parts of each, and the bytes of an array.
DEPTH, PARTS, BYTES = 3, 1000, 2**24

#: Whose objects hold nothing that a model changes, or say it themselves.
LIBRARIES = ("torch", "jax", "jaxlib", "flax", "equinox", "optax", "numpy", "tensorflow", "keras", "samestep")

#: A value as it was: what is compared, and the object itself, so that no other one takes its place in memory.
Held = Mapping[str, tuple[object, object]]


@dataclass(frozen=True)
class Twice:
    """The tensors of two calls of one model, with its parameters and state put back in between.

    ``changed`` names what the first call changes beside them: attributes of the model, and what a function
    keeps in a global or a closure. ``error`` is what the second call raised; None where it ran. ``copied``:
    every further run is that of a fresh copy, which has forgotten all of that.
    """

    first: Tensors
    second: Tensors
    changed: tuple[str, ...] = ()
    error: str | None = None
    copied: bool = False

    @classmethod
    def of_one(cls, tensors: Tensors) -> Twice:
        """Return one call for two, where it is known that they are alike."""
        return cls(tensors, tensors)

    def __post_init__(self) -> None:
        """Hold once what both calls gave alike: models are large."""
        once = {key: self.first[key] if self._is_alike(key) else x for key, x in self.second.items()}
        object.__setattr__(self, "second", once)

    @property
    def repeats(self) -> bool:
        """Whether both calls gave the same bits."""
        return self.error is None and all(map(self._is_alike, self.first))

    def put_aside(self) -> Twice:
        """Return it with large tensors in a file: they are needed again when the reference has run."""
        aside = Aside()
        first = {key: aside.put(x) for key, x in self.first.items()}
        second = {
            key: first[key] if x is self.first.get(key) else aside.put(x) for key, x in self.second.items()
        }
        return replace(self, first=first, second=second)

    def without_alike(self) -> Twice:
        """Return it without tensors where both calls gave the same bits: no more is asked of them then."""
        return replace(self, first={}, second={}) if self.repeats else self

    def _is_alike(self, key: TensorKey) -> bool:
        one, other = self.first.get(key), self.second.get(key)
        if one is None or other is None or one is other:
            return one is other
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def called_twice(run: Callable[[], Tensors], values: Callable[[], Iterable[tuple[str, object]]]) -> Twice:
    """Return two calls of ``run``, and which of the named ``values`` the first one changed."""
    before = held(values())
    first = run()
    return Twice(first, run(), changed(before, held(values())))


def held(values: Iterable[tuple[str, object]]) -> Held:
    """Return named values as they are now."""
    return {name: (_print(value, DEPTH), value) for name, value in values}


def changed(before: Held, after: Held) -> tuple[str, ...]:
    """Return the names of those that are not what they were, new ones included."""
    gone = (name for name in before if name not in after)
    return (*gone, *(name for name in after if name not in before or before[name][0] != after[name][0]))


def _print(value: Any, depth: int) -> object:
    """What changes when the value does: plain values, parts of containers, attributes of objects."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
        return type(value), repr(value)
    if isinstance(value, np.ndarray):
        return (
            id(value),
            value.shape,
            value.tobytes() if value.nbytes <= BYTES and value.dtype != object else 0,
        )
    if isinstance(value, np.random.Generator):
        return id(value), repr(value.bit_generator.state)
    if isinstance(value, Mapping) and depth:
        return len(value), tuple((str(k), _print(x, depth - 1)) for k, x in _some(value.items()))
    if isinstance(value, (list, tuple, set, frozenset, deque)) and depth:
        return len(value), tuple(_print(x, depth - 1) for x in _some(value))
    if depth and hasattr(value, "__dict__") and not _is_followed(value):
        return id(value), _print(vars(value), depth - 1)
    return id(value), getattr(value, "_version", None)  # a tensor of PyTorch counts its changes


def _some(parts: Iterable[Any]) -> list[Any]:
    return [part for part, _ in zip(parts, range(PARTS), strict=False)]


def _is_followed(value: object) -> bool:
    """Whether an object's attributes are looked at elsewhere, or are no state."""
    package = type(value).__module__.partition(".")[0]
    return isinstance(value, (type, ModuleType)) or callable(value) or package in LIBRARIES
