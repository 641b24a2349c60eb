"""One aten operation of a tape with the bounds of its operands, and the table of the rules for its result.

A rule takes the operation with its operands as they were before it, and the values that it gave; None is
returned where it does not know what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from samestep.agreement.arithmetic.program import Contract
from samestep.agreement.arithmetic.torch.arguments import leaves_of, mapped, results_of
from samestep.agreement.arithmetic.torch.literals import is_short
from samestep.agreement.arithmetic.worst_case import Array, Enclosed, Map

Values = Sequence[Any]
Rule = Callable[["Applied", Values], Sequence[Enclosed] | None]


class Number(Enclosed):
    """A floating number in the code, of no axes."""

    @classmethod
    def of(cls, value: float) -> Enclosed:
        """Return a number of the code: a program may have rounded it once, unless it is a short one."""
        array = np.asarray(value, np.float64)
        return cls.exact(array) if is_short(value) else cls.rounded_once(array)


@dataclass(frozen=True)
class Applied:
    """One call of ``func``, with `Enclosed` in the place of tensors and of floating numbers."""

    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    contract: Contract = Contract.FLOAT32

    @cached_property
    def operands(self) -> list[Enclosed]:
        """The tensors and floating numbers among the arguments, in order."""
        return [x for x in leaves_of(self.args, self.kwargs) if isinstance(x, Enclosed)]

    def given(self, name: str, default: Any = None) -> Any:
        """Return an argument by its name."""
        for argument, value in zip(self.func._schema.arguments, self.args, strict=False):
            if argument.name == name:
                return value
        return self.kwargs.get(name, default)

    def run(self, *arrays: Array) -> list[Array]:
        """Return what the operation gives on other values of its operands, in order."""
        left = iter(arrays)

        def put(x: Any) -> Any:
            if not isinstance(x, Enclosed):
                return x
            array = next(left)
            return float(array) if isinstance(x, Number) else torch.from_numpy(np.array(array))

        args, kwargs = mapped(put, self.args), mapped(put, self.kwargs)
        return [
            x.numpy() if isinstance(x, torch.Tensor) else x for x in results_of(self.func(*args, **kwargs))
        ]

    def only(self, *places: int) -> Map:
        """Return the first result as a function of the operands at these places, the others as they are."""
        values = [x.value for x in self.operands]

        def apply(*arrays: Array) -> Array:
            changed = list(values)
            for place, array in zip(places, arrays, strict=True):
                changed[place] = array
            return self.run(*changed)[0]

        return apply


def as_enclosed(x: Any) -> Enclosed:
    """Return an operand as it is, and a plain number of the code as one that every program has."""
    return x if isinstance(x, Enclosed) else Enclosed.exact(np.asarray(x))


RULES: dict[str, Rule] = {}


def bound_rule(*names: str) -> Callable[[Rule], Rule]:
    """Return a decorator that makes a function the bound rule of the operations of these names."""

    def put(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return put
