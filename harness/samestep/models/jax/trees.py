"""Pytrees of arrays as flat mappings by path: "block0/LayerNorm_0/scale", "layers/0/weight"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from samestep.models.subject import ModelError

#: A jax array, or a tracer of one.
Array = Any
Arrays = Mapping[str, Array]


def part(key: Any) -> str:
    """Return one step of a pytree's path as a word: a dict's key, an index, an attribute's name."""
    for attribute in ("key", "idx", "name"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute))
    return str(key).strip("[].'\"")


def is_array(leaf: object) -> bool:
    return hasattr(leaf, "dtype") and hasattr(leaf, "shape")


def is_floating(leaf: object) -> bool:
    """Whether ``leaf`` is an array of a floating dtype, bfloat16 included."""
    return is_array(leaf) and bool(jax.numpy.issubdtype(leaf.dtype, jax.numpy.floating))  # type: ignore[attr-defined]


def is_key(leaf: object) -> bool:
    """Whether ``leaf`` holds random keys, which have no numbers of their own."""
    return is_array(leaf) and bool(jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.extended))  # type: ignore[attr-defined]


#: How a library's paths are shortened to what a person calls them.
Spelling = Callable[[tuple[str, ...]], tuple[str, ...]]


def as_it_is(path: tuple[str, ...]) -> tuple[str, ...]:
    return path


def named_leaves(tree: Any, spelling: Spelling = as_it_is) -> list[tuple[str, Any]]:
    """Return the leaves of ``tree`` by path, in order. Raises `ModelError` for a name met twice."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    named = [("/".join(spelling(tuple(map(part, path)))), leaf) for path, leaf in leaves]
    names = [name for name, _ in named]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ModelError(f"two leaves of one tree are both called {twice!r}: rename one")
    return named


@dataclass(frozen=True)
class Tree:
    """The form of one pytree: its structure, its leaves' names, and the leaves that are ``fixed``."""

    structure: Any
    names: tuple[str, ...]
    fixed: Mapping[str, Any]
    spelling: Spelling = as_it_is

    @classmethod
    def of(
        cls, tree: Any, moving: Callable[[object], bool] = is_array, spelling: Spelling = as_it_is
    ) -> tuple[Tree, dict[str, Array]]:
        """Return the form of ``tree``, and those of its leaves that are ``moving``, as jax arrays by name."""
        named = named_leaves(tree, spelling)
        arrays = {name: held(name, leaf) for name, leaf in named if moving(leaf)}
        fixed = {name: leaf for name, leaf in named if name not in arrays}
        structure = jax.tree_util.tree_structure(tree)
        return cls(structure, tuple(name for name, _ in named), fixed, spelling), arrays

    def build(self, arrays: Arrays) -> Any:
        """Return a new pytree of this form with these ``arrays``, which may be tracers."""
        leaves = [self.fixed[name] if name in self.fixed else arrays[name] for name in self.names]
        return jax.tree_util.tree_unflatten(self.structure, leaves)

    def flatten(self, tree: Any, what: str) -> dict[str, Array]:
        """Return the arrays of ``tree`` by name. Raises `ModelError` if it has another form."""
        named = dict(named_leaves(tree, self.spelling))
        wrong = sorted(set(named) ^ set(self.names))
        if wrong:
            side = "lacks" if wrong[0] in self.names else "adds"
            raise ModelError(f"{what} has another tree than was given: it {side} {wrong[0]!r}")
        return {name: leaf for name, leaf in named.items() if name not in self.fixed}


def held(name: str, leaf: Any) -> Array:
    """Return ``leaf`` as a jax array. Raises `ModelError` for a tracer and for what jax has no dtype for."""
    if isinstance(leaf, jax.core.Tracer):
        raise ModelError(
            f"{name!r} is a tracer that leaked out of a transformation: pass arrays, outside of jit"
        )
    try:
        return jax.numpy.asarray(leaf)
    except TypeError as error:
        raise ModelError(f"{name!r} has the dtype {leaf.dtype}, which is no jax array") from error


def on_host(array: Array) -> np.ndarray:
    """Return a copy of ``array`` in NumPy, in its own dtype."""
    return np.array(array)


def in_dtype(arrays: Arrays, dtype: str) -> dict[str, Array]:
    """Return the arrays by name with floating ones in ``dtype``."""
    return {name: x.astype(dtype) if is_floating(x) else x for name, x in arrays.items()}


def in_common_dtype(inputs: Arrays, parameters: Arrays) -> dict[str, Array]:
    """Return inputs in the one narrow dtype of all floating parameters, where that holds them exactly."""
    dtypes = {x.dtype for x in parameters.values() if is_floating(x)}
    dtype = dtypes.pop() if len(dtypes) == 1 else None
    if dtype is None or dtype.itemsize >= 4:
        return dict(inputs)
    return {
        name: x.astype(dtype) if is_floating(x) and bool((x.astype(dtype) == x).all()) else x
        for name, x in inputs.items()
    }


def fitting(what: str, array: np.ndarray, like: Any) -> Array:
    """Return ``array`` in the dtype of ``like``. Raises `ModelError` for another shape."""
    if np.shape(array) != tuple(like.shape):
        raise ModelError(f"{what} has the shape {tuple(like.shape)}, and {np.shape(array)} was given")
    return jax.numpy.asarray(array, like.dtype)
