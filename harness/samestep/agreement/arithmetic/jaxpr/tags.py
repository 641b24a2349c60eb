"""`tag`: an identity that names a tensor of a JAX function, and its gradient, so that an engine sees both.

It is a primitive of its own: forward and reverse mode, vmap, jit, scan and remat keep it, XLA sees nothing of
it. Each call that is traced has a number, so that a value, its gradient and its recomputation under remat are
known to belong together.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

#: ``tag`` of a value, and of the gradient that arrives there; parameters ``name``, ``call`` and ``gradient``.
TAG = Primitive("samestep_tag")
#: A tangent on its way through a tag: its transpose tags the gradient.
TANGENT = Primitive("samestep_tag_tangent")

_calls = itertools.count()


def tag(x: Any, name: str) -> Any:
    """Return ``x`` unchanged, named for samestep: an array of any shape, or a tree of them (name.0, name.1).

    The gradient that arrives there in a backward pass is named as well. Raises `TypeError` for a name that is
    not a string.
    """
    if not isinstance(name, str):
        raise TypeError(f"samestep.tag takes a name that is a string, not {name!r}")
    leaves, structure = jax.tree_util.tree_flatten(x)
    names = [name] if len(leaves) == 1 else [f"{name}.{index}" for index in range(len(leaves))]
    tagged = [
        TAG.bind(jax.numpy.asarray(leaf), name=own, call=next(_calls), gradient=False)
        for leaf, own in zip(leaves, names, strict=True)
    ]
    return jax.tree_util.tree_unflatten(structure, tagged)


def _jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    (x,), (dx,) = primals, tangents
    if not isinstance(dx, ad.Zero):
        dx = TANGENT.bind(dx, **params)
    return TAG.bind(x, **params), dx


def _transpose(cotangent: Any, x: Any, **params: Any) -> Any:
    if isinstance(cotangent, ad.Zero):
        return [cotangent]
    return [TAG.bind(cotangent, **{**params, "gradient": True})]


def _to_front(primitive: Any, operands: Any, axes: Any, **params: Any) -> Any:
    """Under vmap the mapped axis of what is tagged comes first, wherever the computation keeps it."""
    return primitive.bind(jax.numpy.moveaxis(operands[0], axes[0], 0), **params), 0


for _primitive in (TAG, TANGENT):
    _primitive.def_impl(lambda x, **_: x)
    _primitive.def_abstract_eval(lambda x, **_: x)
    batching.primitive_batchers[_primitive] = functools.partial(_to_front, _primitive)
    mlir.register_lowering(_primitive, lambda _, x, **__: [x])
ad.primitive_jvps[TAG] = _jvp
ad.deflinear2(TANGENT, _transpose)
