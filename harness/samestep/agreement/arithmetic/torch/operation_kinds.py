"""What the interpreter does with each aten operation, by its schema and name."""

from __future__ import annotations

from enum import Enum, auto
from functools import cache
from typing import Any

import torch

from samestep.agreement.arithmetic.torch.operation_table import operation_name


class Kind(Enum):
    """The ways in which operations are interpreted."""

    HANDLES = auto()  #: changes what a handle is, and no value; its shadow follows by itself
    LITERAL = auto()  #: makes a tensor of numbers that stand in the code
    FOREIGN = auto()  #: is not aten's
    LIST = auto()  #: does one operation to each tensor of a list
    FUSED = auto()  #: is a whole step of an optimiser
    OUT = auto()  #: writes its result to a tensor that it is given
    READ = auto()  #: reads a number out
    RANDOM = auto()  #: draws random numbers
    DROPOUT = auto()  #: draws a mask and applies it
    COMPUTE = auto()


#: Draws, whose values are those of the real program, in its own order of memory.
_RANDOM = {
    "rand", "randn", "rand_like", "randn_like", "randint", "randint_like", "randperm", "random", "normal",
    "normal_functional", "uniform", "bernoulli", "exponential", "multinomial", "log_normal", "cauchy",
    "geometric", "poisson", "binomial", "_sample_dirichlet", "_standard_gamma",
}  # fmt: skip
#: They read a number out; below autograd PyTorch does not take the last two apart.
_READING = ("_local_scalar_dense", "item", "is_nonzero")
#: These change what a handle is, besides views.
_OF_HANDLES = {"detach", "lift", "set", "is_same_size", "_has_same_storage_numel", "resize", "resize_as"}


@cache
def kind_of(func: Any) -> Kind:
    """Return how an operation is interpreted."""
    if not isinstance(func, torch._ops.OpOverload):
        return Kind.FOREIGN
    name, schema = operation_name(func), func._schema
    if name == "lift_fresh":
        return Kind.LITERAL
    views = func.is_view or torch.Tag.inplace_view in func.tags
    if views or name in _OF_HANDLES or func.namespace in ("profiler", "prim"):
        return Kind.HANDLES
    if func.namespace != "aten" or name == "_efficientzerotensor":
        return Kind.FOREIGN
    if name.startswith("_foreach_"):
        return Kind.LIST
    if name.startswith("_fused_") and schema.is_mutable:
        return Kind.FUSED
    if any(argument.is_out for argument in schema.arguments):
        return Kind.OUT
    kinds = {**dict.fromkeys(_READING, Kind.READ), "native_dropout": Kind.DROPOUT}
    return kinds.get(name, Kind.RANDOM if name in _RANDOM else Kind.COMPUTE)
