"""What the noise of a JAX program follows from: its equations with their dtypes, and the arrays in it.

Names of variables, places in the code and addresses in memory do not count, so that the same function has the
same signature in another process.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.extend import core

from samestep.agreement.arithmetic.jaxpr.binding import is_key

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
#: Parameters that number calls, or that hold Python functions whose jaxprs stand beside them.
_NOT_READ = frozenset({"call", "jvp_jaxpr_fun", "jvp_jaxpr_thunk", "fwd_jaxpr_thunk", "bwd", "ctx_mesh"})


def signature(jaxpr: Any, inputs: Sequence[Any], contract: str) -> str:
    """Return 32 hexadecimal digits for a closed jaxpr that runs on ``inputs`` (arrays, PRNG keys)."""
    made = hashlib.sha256(contract.encode())
    _read(made, jaxpr)
    for value in inputs:
        _array(made, value)
    return made.hexdigest()[:32]


def _read(made: Any, jaxpr: Any) -> None:
    """Add a jaxpr, closed or not."""
    if isinstance(jaxpr, core.ClosedJaxpr):
        for constant in jaxpr.consts:
            _array(made, constant)
        jaxpr = jaxpr.jaxpr
    numbers: dict[Any, int] = {}
    for variable in (*jaxpr.constvars, *jaxpr.invars):
        _text(made, numbers.setdefault(variable, len(numbers)), variable.aval)
    for equation in jaxpr.eqns:
        _text(made, equation.primitive.name)
        for atom in equation.invars:
            _atom(made, atom, numbers)
        for variable in equation.outvars:
            _text(made, numbers.setdefault(variable, len(numbers)), variable.aval)
        _params(made, equation.params)
    for atom in jaxpr.outvars:
        _atom(made, atom, numbers)


def _atom(made: Any, atom: Any, numbers: Mapping[Any, int]) -> None:
    if isinstance(atom, core.Literal):
        _array(made, atom.val)
        _text(made, atom.aval)
    else:
        _text(made, numbers[atom])


def _params(made: Any, params: Mapping[str, Any]) -> None:
    for name in sorted(params):
        if name in _NOT_READ:
            continue
        _text(made, name)
        _param(made, params[name])


def _param(made: Any, value: Any) -> None:
    if isinstance(value, core.ClosedJaxpr | core.Jaxpr):
        _read(made, value)
    elif isinstance(value, tuple | list):
        for item in value:
            _param(made, item)
    elif isinstance(value, set | frozenset):
        _text(made, *sorted(map(str, value)))
    elif isinstance(value, np.ndarray | jax.Array):
        _array(made, value)
    else:
        _text(made, _ADDRESS.sub("", str(value)))


def _array(made: Any, value: Any) -> None:
    array = np.asarray(jax.random.key_data(value) if is_key(value) else value)
    _text(made, array.dtype, array.shape)
    made.update(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")


def _text(made: Any, *parts: object) -> None:
    made.update("|".join(map(str, parts)).encode() + b"\0")
