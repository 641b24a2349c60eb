"""Runs a model's untouched code on float64 shadows: every aten operation is seen here, backward included.

Tensors of the user's code are handles: they have the shapes, strides and dtypes that the code gives them, and
their bytes are never read. The values are the shadows'. The first run makes each real operation on the
handles too, once, and writes down what it gave; later runs make handles of that form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from samestep.agreement.arithmetic.program import Refused
from samestep.agreement.arithmetic.torch.computing import compute
from samestep.agreement.arithmetic.torch.constants import Constants
from samestep.agreement.arithmetic.torch.drawing import draw, dropout
from samestep.agreement.arithmetic.torch.dtypes import ROUNDOFF, unseen
from samestep.agreement.arithmetic.torch.guard import Guard
from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode
from samestep.agreement.arithmetic.torch.numbers_read import captured, literal, read
from samestep.agreement.arithmetic.torch.operation_kinds import Kind, kind_of
from samestep.agreement.arithmetic.torch.path import OtherPath, Path
from samestep.agreement.arithmetic.torch.places import refuse
from samestep.agreement.arithmetic.torch.rewritten import foreign, list_operation, optimizer_step, out_variant
from samestep.agreement.arithmetic.torch.shadows import Shadows, has_values
from samestep.agreement.arithmetic.torch.shared_values import SharedValues
from samestep.agreement.arithmetic.torch.tape import Recorder

Operation = Any  # torch._ops.OpOverload

_NO_SUBCLASS = torch._C._disabled_torch_dispatch_impl
_PLAIN_TYPES = (Tensor, torch.nn.Parameter, torch.nn.Buffer)


class Interpreter(TorchDispatchMode):  # type: ignore[misc]
    """One run: ``shadows`` hold the values, ``noise`` computes them, ``path`` is written or followed.

    With ``poison`` all handles are NaN; with ``frozen`` a number that is read out is the first run's. A
    ``tape`` is written outside this mode, and sees what is done to values and to integers, and nothing of
    what is done to handles. ``failure`` keeps an error that PyTorch may turn into another.
    """

    supports_higher_order_operators = True

    def __init__(
        self,
        noise: NoiseMode,
        path: Path,
        *,
        first: bool = False,
        poison: bool = False,
        frozen: bool = False,
        constants: Constants | None = None,
        given: SharedValues | None = None,
        tape: Recorder | None = None,
    ) -> None:
        super().__init__()
        self.shadows = Shadows(constants, partial(captured, self), given)
        self.noise, self.path = noise, path
        self.first, self.poison, self.frozen, self.tape = first, poison, frozen, tape
        self.hidden: Callable[[], Any] = nullcontext if tape is None else unseen
        self.failure: Refused | OtherPath | None = None
        self.numbers: Any = None  # what a tensor of numbers is being made of
        self.has_read = False
        self._guard, self._depth = Guard(self), 0
        if not first:
            path.at = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled in here: PyTorch's wrapper would only cost time

    def __enter__(self) -> Interpreter:
        if not self._depth:
            self._guard.__enter__()
        self._depth += 1
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._depth -= 1
        super().__exit__(*error)
        if not self._depth:
            self._guard.__exit__(*error)

    def __torch_dispatch__(
        self, func: Operation, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        for kind in types:  # a subclass acts first: what it does inside comes back here
            if kind not in _PLAIN_TYPES and kind.__torch_dispatch__ is not _NO_SUBCLASS:
                return NotImplemented
        try:
            return _METHODS[kind_of(func)](self, func, args, kwargs or {})
        except (Refused, OtherPath) as error:
            self.failure = error
            raise

    # -- handles ---------------------------------------------------------------------------------------

    def raw(self, func: Operation, args: Any, kwargs: Any) -> Any:
        """Return what an operation gives on handles, and on integers that no tape follows."""
        with self.hidden():
            return func(*args, **kwargs)

    def on_handles(self, func: Operation, args: Any, kwargs: Any) -> Any:
        """Return what an operation does to a handle; on integers the tape sees it."""
        if self.tape is not None and any(isinstance(x, Tensor) and x.dtype not in ROUNDOFF for x in args):
            return func(*args, **kwargs)
        return self.raw(func, args, kwargs)

    def seen(self, func: Operation, *args: Any) -> Any:
        """Return what an operation gives on values, from outside of a dispatch."""
        with unseen():
            return func(*args) if self.tape is None else self.tape.__torch_dispatch__(func, (), args)

    def lossy(self, text: str) -> None:
        """Note that a value which rounding moves is read out: such a replica cannot be replayed."""
        self.path.find("lossy", text)
        if self.tape is not None:
            self.tape.give_up(text)

    def changed(self, handle: Any, raw: Tensor | None = None) -> None:
        """Note that the values of ``handle`` have changed in place; ``raw`` is what its bytes become."""
        if not has_values(handle):
            return
        shadow = self.shadows.find(handle)
        if shadow is not None:
            shadow.terms = max(shadow.terms, self.noise.terms)
        if handle.untyped_storage() in self.shadows.shared:
            refuse("a change in place", "a computed value is written into memory that NumPy shares")
        with self.hidden():
            if self.poison:
                handle.detach().fill_(math.nan)
            elif self.first and raw is not None:
                handle.detach().copy_(raw)

    def copy_shadow(self, source: Tensor, target: Tensor) -> None:
        """Give ``target``, whose bytes are a copy of those of ``source``, a copy of its values."""
        shadow = self.shadows.find(source)
        if shadow is not None:
            values = self.seen(torch.ops.aten.clone.default, shadow.first)
            self.shadows.put(target, values, shadow)


_METHODS: dict[Kind, Callable[..., Any]] = {
    Kind.HANDLES: Interpreter.on_handles,
    Kind.LITERAL: literal,
    Kind.FOREIGN: foreign,
    Kind.LIST: list_operation,
    Kind.FUSED: optimizer_step,
    Kind.OUT: out_variant,
    Kind.READ: read,
    Kind.RANDOM: draw,
    Kind.DROPOUT: dropout,
    Kind.COMPUTE: compute,
}
