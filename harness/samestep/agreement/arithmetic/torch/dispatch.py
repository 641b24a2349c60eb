"""Runs a model's untouched code on float64 shadows: every aten operation is seen here, backward included.

Tensors of the user's code are handles: they have the shapes, strides and dtypes that the code gives them, and
their bytes are never read. The values are the shadows'. The first run makes each real operation on the
handles too, once, and writes down what it gave; later runs make handles of that form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from samestep.agreement.arithmetic.program import Refused
from samestep.agreement.arithmetic.torch.arguments import (
    changed_by,
    leaves_of,
    mapped,
    results_of,
    targets_of,
)
from samestep.agreement.arithmetic.torch.constants import Constants
from samestep.agreement.arithmetic.torch.drawing import draw, dropout
from samestep.agreement.arithmetic.torch.dtypes import ROUNDOFF, unseen
from samestep.agreement.arithmetic.torch.guard import Guard
from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode
from samestep.agreement.arithmetic.torch.numbers_read import literal, read
from samestep.agreement.arithmetic.torch.operation_kinds import Kind, kind_of
from samestep.agreement.arithmetic.torch.operation_table import operation_name
from samestep.agreement.arithmetic.torch.path import Form, OtherPath, Path, Step
from samestep.agreement.arithmetic.torch.places import refuse
from samestep.agreement.arithmetic.torch.rewritten import foreign, list_operation, optimizer_step, out_variant
from samestep.agreement.arithmetic.torch.shadows import Shadows, has_values, wide_dtype
from samestep.agreement.arithmetic.torch.tape import Recorder

Operation = Any  # torch._ops.OpOverload

#: Operations of floats that give integers which shape what follows: later runs have the first one's.
_DECIDING = {"nonzero", "_unique2", "unique_dim", "unique_consecutive", "equal"}
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
        tape: Recorder | None = None,
    ) -> None:
        super().__init__()
        self.shadows, self.noise, self.path = Shadows(constants), noise, path
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

    # -- what computes ---------------------------------------------------------------------------------

    def compute(self, func: Operation, args: Any, kwargs: Any) -> Any:
        """Return handles for what an operation gives on values, and its integers as they are."""
        name, mutable = operation_name(func), func._schema.is_mutable
        leaves = leaves_of(args, kwargs)
        floats = self._operands(func, leaves)
        if floats is None:
            return self.raw(func, args, kwargs)
        step = None if self.first else self.path.follow(name)
        if step is not None and step.integer:
            return func(*args, **kwargs)
        wide = {id(x): self.shadows.wide(x) for x in floats}
        real: Any = None
        if step is None:
            real = self.raw(func, args, kwargs)
            step = self._written(func, floats, real)
        if step.integer or step.alias:
            return real if real is not None else self.raw(func, args, kwargs)
        dtype = _dtype_of(step, floats, mutable)
        if self.first:
            self.path.uniform &= ROUNDOFF[dtype] == ROUNDOFF[torch.float32]
            self.noise.terms = max((self.shadows.terms(x) for x in floats), default=1)
        result = self._values(func, args, kwargs, dtype, floats, wide)
        if name in _DECIDING and floats:
            result = self._decided(step, name, result)
        return self._finished(func, args, kwargs, step, result, real)

    def _operands(self, func: Operation, leaves: list[Any]) -> list[Tensor] | None:
        """Return the operands that have values; None where nothing is computed (meta tensors, bytes)."""
        floats = []
        for x in leaves:
            if isinstance(x, torch.device) and x.type == "meta":
                return None
            if not isinstance(x, Tensor):
                continue
            if x.device.type == "meta":
                return None
            if x.layout is not torch.strided:
                refuse(func, f"a tensor of layout {x.layout} has no rule")
            if x.dtype in ROUNDOFF:
                floats.append(x)
            elif self.shadows.find(x) is not None:
                self._bytes(func, leaves)
                return None
        return floats

    def _bytes(self, func: Operation, leaves: list[Any]) -> None:
        """A storage is copied byte by byte: its shadow goes along. Anything else reads bits of floats."""
        target, source = leaves[0], leaves[1] if len(leaves) > 1 else None
        whole = isinstance(source, Tensor) and source.numel() == source.untyped_storage().nbytes()
        if func is not torch.ops.aten.copy_.default or not whole:
            refuse(func, "the bits of a float tensor are read as integers")
        self.copy_shadow(source, target)

    def copy_shadow(self, source: Tensor, target: Tensor) -> None:
        """Give ``target``, whose bytes are a copy of those of ``source``, a copy of its values."""
        shadow = self.shadows.find(source)
        if shadow is not None:
            values = self.seen(torch.ops.aten.clone.default, shadow.first)
            self.shadows.put(target, values, shadow)

    def _written(self, func: Operation, floats: list[Tensor], real: Any) -> Step:
        """Write the step that gave the real results; a result on a known storage is no new tensor."""
        forms, alias, some = [], False, False
        for x in results_of(real):
            if isinstance(x, Tensor) and x.layout is not torch.strided:
                refuse(func, f"a tensor of layout {x.layout} has no rule")
            old = has_values(x) and self.shadows.find(x) is not None
            alias, some = alias or old, some or has_values(x)
            forms.append(Form.of(x) if isinstance(x, Tensor) and not old else None)
        mutable = func._schema.is_mutable
        step = Step(operation_name(func), tuple(forms), not floats and not some, alias and not mutable)
        self.path.write(step)
        return step

    def _values(
        self,
        func: Operation,
        args: Any,
        kwargs: Any,
        dtype: torch.dtype,
        floats: list[Tensor],
        wide: dict[int, Tensor],
    ) -> Any:
        def up(x: Any) -> Any:
            if isinstance(x, Tensor):
                return wide.get(id(x), x)
            return wide_dtype(x) if isinstance(x, torch.dtype) else x

        precise = min((ROUNDOFF[x.dtype] for x in floats), default=ROUNDOFF[torch.float64])
        self.noise.roundoff, self.noise.source_roundoff = ROUNDOFF[dtype], precise
        if floats:
            return self.noise.apply(func, mapped(up, args), mapped(up, dict(kwargs)))
        default = torch.get_default_dtype()  # floats out of integers or numbers: by default float64 here
        torch.set_default_dtype(torch.float64)
        try:
            return self.noise.apply(func, mapped(up, args), mapped(up, dict(kwargs)))
        finally:
            torch.set_default_dtype(default)

    def _decided(self, step: Step, name: str, result: Any) -> Any:
        if self.first:
            step.decided = mapped(lambda x: x.clone() if isinstance(x, Tensor) else x, result)
            return result
        kept = []
        for value, decided in zip(results_of(result), results_of(step.decided), strict=True):
            with self.hidden():
                kept.append(self.path.decide(decided, name, value))
            if self.tape is not None and isinstance(value, Tensor):
                self.tape.guard(value, kept[-1])
        return tuple(kept) if isinstance(result, (tuple, list)) else kept[0]

    def _finished(self, func: Operation, args: Any, kwargs: Any, step: Step, result: Any, real: Any) -> Any:
        for x in changed_by(func, args, kwargs):
            self.changed(x)
        targets = targets_of(func, args, kwargs)
        reals = results_of(real) + [None] * len(step.forms)
        done = []
        for i, value in enumerate(results_of(result)):
            if i in targets:
                done.append(targets[i])
            elif isinstance(value, Tensor) and value.dtype in (torch.float64, torch.complex128):
                done.append(self._handle(value, step.forms[i] if i < len(step.forms) else None, reals[i]))
            else:
                done.append(value)
        if isinstance(result, (tuple, list)):
            return done if isinstance(result, list) else tuple(done)
        return done[0] if done else None

    def _handle(self, values: Tensor, form: Form | None, real: Any) -> Tensor:
        with self.hidden():
            if isinstance(real, Tensor) and real.shape == values.shape and self.shadows.find(real) is None:
                handle = real
            else:
                form = form or Form(values.shape, values.stride(), torch.float32, values.device)
                handle = form.handle(values)
            if self.poison:
                handle.fill_(math.nan)
        self.shadows.adopt(handle, values, self.noise.terms)
        return handle


def _dtype_of(step: Step, floats: list[Tensor], mutable: bool) -> torch.dtype:
    """Return the dtype of a result in the user's code: of what is changed, of the first new float."""
    if mutable and floats:
        return floats[0].dtype
    found = [form.dtype for form in step.forms if form is not None and form.dtype in ROUNDOFF]
    return found[0] if found else (floats[0].dtype if floats else torch.float32)


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
    Kind.COMPUTE: Interpreter.compute,
}
