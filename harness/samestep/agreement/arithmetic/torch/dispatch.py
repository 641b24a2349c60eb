"""Runs a model's untouched code on float64 shadows: every aten operation is seen here, backward included.

Tensors of the user's code are handles: they have the shapes, strides and dtypes that the code gives them, and
their bytes are never read. The values are the shadows'. The first run makes each real operation on the
handles too, once, and writes down what it gave; later runs make handles of that form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from samestep.agreement.arithmetic.torch.arguments import (
    given,
    leaves_of,
    mapped,
    results_of,
    written_arguments,
)
from samestep.agreement.arithmetic.torch.constants import Constants
from samestep.agreement.arithmetic.torch.dtypes import ROUNDOFF, unseen
from samestep.agreement.arithmetic.torch.guard import Guard
from samestep.agreement.arithmetic.torch.lists import fused_step, one_by_one
from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode
from samestep.agreement.arithmetic.torch.operation_table import operation_name
from samestep.agreement.arithmetic.torch.path import Form, Path, Step
from samestep.agreement.arithmetic.torch.places import refuse
from samestep.agreement.arithmetic.torch.shadows import Shadows, has_values, wide_dtype
from samestep.agreement.arithmetic.torch.tape import Recorder

aten = torch.ops.aten

Operation = Any  # torch._ops.OpOverload

#: These change what a handle is, and no value; a shadow follows by itself.
_OF_HANDLES = {"detach", "lift", "set", "is_same_size", "_has_same_storage_numel", "resize", "resize_as"}
#: Values that become integers: later runs have the first one's.
_DECIDING = {"_to_copy", "copy", "nonzero", "_unique2", "unique_dim", "unique_consecutive", "multinomial"}
#: They change an argument that their schema does not name: their positions.
_HIDDEN_CHANGES = {"native_batch_norm": (3, 4), "cudnn_batch_norm": (3, 4), "miopen_batch_norm": (3, 4)}
_PLAIN_TYPES = (Tensor, torch.nn.Parameter, torch.nn.Buffer)


@cache
def _method_of(func: Operation) -> str:
    name, schema = operation_name(func), func._schema
    if name == "lift_fresh":
        return "_literal"
    if func.namespace in ("profiler", "prim") or func.is_view or name in _OF_HANDLES:
        return "_on_handles"
    if torch.Tag.inplace_view in func.tags:
        return "_on_handles"
    if func.namespace != "aten":
        return "_foreign"
    if name.startswith("_foreach_"):
        return "_list"
    if name.startswith("_fused_") and schema.is_mutable:
        return "_fused"
    if any(argument.is_out for argument in schema.arguments):
        return "_out"
    if name == "_local_scalar_dense":
        return "_read"
    if torch.Tag.nondeterministic_seeded in func.tags:
        return "_random"
    return "_compute"


class Interpreter(TorchDispatchMode):  # type: ignore[misc]
    """One run: ``shadows`` hold the values, ``noise`` computes them, ``path`` is written or followed.

    With ``poison`` all handles are NaN; with ``frozen`` a number that is read out is the first run's. With ``recorded`` a tape is written outside this mode, and sees what
    is done to values and to integers, and nothing of what is done to handles.
    """

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
        self._hidden = unseen if tape is not None else nullcontext
        self._guard = Guard(self)
        self._depth = 0
        if not first:
            path.at = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled in here: the wrapper would only cost time

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
            if (
                kind not in _PLAIN_TYPES
                and kind.__torch_dispatch__ is not torch._C._disabled_torch_dispatch_impl
            ):
                return NotImplemented
        return getattr(self, _method_of(func))(func, args, kwargs or {})

    # -- what computes nothing -------------------------------------------------------------------------

    def _raw(self, func: Operation, args: Any, kwargs: Any) -> Any:
        with self._hidden():
            return func(*args, **kwargs)

    def _on_handles(self, func: Operation, args: Any, kwargs: Any) -> Any:
        if any(isinstance(x, Tensor) and x.dtype not in ROUNDOFF for x in args) and self.tape is not None:
            return func(*args, **kwargs)  # of integers: the tape follows them
        return self._raw(func, args, kwargs)

    def _literal(self, func: Operation, args: Any, kwargs: Any) -> Any:
        """A tensor of numbers in the code: a single one is a literal, which its dtype has rounded."""
        handle = self._on_handles(func, args, kwargs)
        if has_values(handle) and handle.numel() == 1 and not handle.is_complex():
            with self._hidden():
                values = self.shadows.wide(handle.detach())
                self.noise.roundoff = ROUNDOFF[handle.dtype]
            values.fill_(self.noise.literal(float(handle.detach())))
        return handle

    def _foreign(self, func: Operation, args: Any, kwargs: Any) -> Any:
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        return refuse(func, "a custom operation has no rule")

    # -- what is made of others ------------------------------------------------------------------------

    def _list(self, func: Operation, args: Any, kwargs: Any) -> Any:
        with self:
            return one_by_one(func, operation_name(func), args, kwargs)

    def _fused(self, func: Operation, args: Any, kwargs: Any) -> Any:
        with self:
            return fused_step(func, operation_name(func), args, kwargs)

    def _out(self, func: Operation, args: Any, kwargs: Any) -> Any:
        names = [argument.name for argument in func._schema.arguments if argument.is_out]
        others = {name: value for name, value in kwargs.items() if name not in names}
        with self:
            results = getattr(aten, func._schema.name.split("::")[1])(*args, **others)
            for name, result in zip(names, results if len(names) > 1 else [results], strict=True):
                kwargs[name].resize_(result.shape).copy_(result)
        outs = tuple(kwargs[name] for name in names)
        return outs[0] if len(outs) == 1 else outs

    # -- numbers that are drawn, and read out ----------------------------------------------------------

    def _random(self, func: Operation, args: Any, kwargs: Any) -> Any:
        """The real draw, in its own dtype and order of memory; what depends on values is decided once."""
        name = operation_name(func)
        self.path.find("random", f"{name} draws random numbers")
        if name == "native_dropout":
            return self._dropout(args, kwargs)
        decides = any(has_values(x) for x in leaves_of(args[1:] if func._schema.is_mutable else args, kwargs))
        decides = decides and not name.endswith("_like")
        step = None if self.first else self.path.follow(name)
        if func._schema.is_mutable:
            target, rest = args[0], args[1:]
            with self._hidden():
                drawn = torch.empty_like(target)
                drawn = func(drawn, *mapped(self._own, rest), **mapped(self._own, kwargs))
        else:
            target = None
            with self._hidden():
                drawn = func(*mapped(self._own, args), **mapped(self._own, kwargs))
        if step is None:
            self.path.write(Step(name, decided=drawn.clone() if decides else None))
        elif decides:
            with self._hidden():
                drawn = self.path.decide(step, name, drawn)
        return self._drawn(target, drawn)

    def _drawn(self, target: Tensor | None, drawn: Tensor) -> Tensor:
        with self._hidden():
            values = drawn.to(wide_dtype(drawn.dtype), copy=True)
        if target is None:
            if drawn.dtype in ROUNDOFF:
                self._give(drawn, values)
            return drawn
        if target.dtype in ROUNDOFF:
            self.shadows.wide(target).copy_(values)
            self._changed(target, raw=drawn)
        else:
            target.copy_(drawn)
        return target

    def _dropout(self, args: Any, kwargs: Any) -> Any:
        """native_dropout draws its mask in one go with the product: the mask is the real one's."""
        x, p, train = args
        if not train or p == 0:
            with self:
                return x.clone(), torch.ones_like(x, dtype=torch.bool)
        with self._hidden():
            mask = aten.native_dropout.default(torch.ones_like(x), p, train)[1]
        with self:
            return x * mask * (0.0 if p == 1 else 1 / (1 - p)), mask

    def _own(self, x: Any) -> Any:
        """The values of a tensor, rounded to its own dtype: what a draw goes by."""
        return self.shadows.wide(x).to(x.dtype) if has_values(x) else x

    def _read(self, func: Operation, args: Any, kwargs: Any) -> Any:
        x = args[0]
        computed = has_values(x)
        value = func(self.shadows.wide(x)) if computed else self._raw(func, args, kwargs)
        if computed:
            self.path.find("lossy", "a computed number is read out")
        if self.first:
            self.path.write(Step("_local_scalar_dense", decided=value))
            return value
        step = self.path.follow("_local_scalar_dense")
        if computed and not self.frozen:
            if self.tape is not None:
                self.tape.give_up("a computed number is read out")
            return value
        kept = step.decided if computed else self.path.decide(step, "item()", value)
        if self.tape is not None and not computed:
            self.tape.guard(x, kept)
        return kept

    # -- what computes ---------------------------------------------------------------------------------

    def _compute(self, func: Operation, args: Any, kwargs: Any) -> Any:
        name, mutable = operation_name(func), func._schema.is_mutable
        leaves = leaves_of(args, kwargs)
        floats = self._checked(func, leaves)
        if floats is None:
            return self._raw(func, args, kwargs)
        step = None if self.first else self.path.follow(name)
        if step is not None and step.integer:
            return func(*args, **kwargs)
        if step is not None and step.alias:
            return self._raw(func, args, kwargs)
        wide = {id(x): self.shadows.wide(x) for x in floats}
        real: Any = None
        if step is None:
            real = self._raw(func, args, kwargs)
            step = self._written(name, floats, real, mutable)
            if step.integer or step.alias:
                return real
        dtype = self._dtype_of(step, floats, mutable)
        if self.first:
            self.path.uniform &= ROUNDOFF[dtype] == ROUNDOFF[torch.float32]
            self.noise.terms = max((self.shadows.terms(x) for x in floats), default=1)
        operand = max((x.dtype for x in floats), key=_precision, default=dtype)
        up = _upwards(wide)
        wide_kwargs = mapped(up, dict(kwargs))
        if not floats:
            result = self._from_integers(func, mapped(up, args), wide_kwargs, dtype)
        else:
            result = self._values(func, mapped(up, args), wide_kwargs, dtype, operand)
        if name in _DECIDING and floats and not mutable and _first(result).dtype not in ROUNDOFF:
            result = self._decided(step, name, result)
        return self._finished(func, args, kwargs, step, result, real)

    def _checked(self, func: Operation, leaves: list[Any]) -> list[Tensor] | None:
        """Return the operands that have values; None where there is nothing to compute (meta tensors)."""
        floats = []
        for x in leaves:
            if x is not None and isinstance(x, torch.device) and x.type == "meta":
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
                return self._bytes(func, leaves)
        return floats

    def _bytes(self, func: Operation, leaves: list[Any]) -> None:
        """A storage is copied byte by byte: its shadow goes along. Anything else reads bits of floats."""
        target, source = leaves[0], leaves[1] if len(leaves) > 1 else None
        whole = (
            isinstance(source, Tensor)
            and source.numel() * source.itemsize == source.untyped_storage().nbytes()
        )
        if func is not aten.copy_.default or not whole or source.dtype is not torch.uint8:
            refuse(func, "the bits of a float tensor are read as integers")
        self.shadows.clone(source, target)

    def _written(self, name: str, floats: list[Tensor], real: Any, mutable: bool) -> Step:
        results = results_of(real)
        some = any(has_values(x) for x in results)
        forms, alias = [], False
        for x in results:
            old = isinstance(x, Tensor) and x.dtype in ROUNDOFF and self.shadows.find(x) is not None
            alias = alias or (old and not mutable)
            forms.append(Form.of(x) if isinstance(x, Tensor) and not old else None)
        step = Step(name, tuple(forms), integer=not floats and not some, alias=alias)
        self.path.write(step)
        return step

    @staticmethod
    def _dtype_of(step: Step, floats: list[Tensor], mutable: bool) -> torch.dtype:
        if mutable and floats:
            return floats[0].dtype
        found = [form.dtype for form in step.forms if form is not None and form.dtype in ROUNDOFF]
        return found[0] if found else (floats[0].dtype if floats else torch.float32)

    def _values(
        self, func: Operation, args: Any, kwargs: Any, dtype: torch.dtype, operand: torch.dtype
    ) -> Any:
        self.noise.roundoff, self.noise.source_roundoff = ROUNDOFF[dtype], ROUNDOFF[operand]
        return self.noise.apply(func, args, kwargs)

    def _from_integers(self, func: Operation, args: Any, kwargs: Any, dtype: torch.dtype) -> Any:
        """Floats out of integers, numbers or nothing: by default they are float64 here."""
        default = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            return self._values(func, args, kwargs, dtype, torch.float64)
        finally:
            torch.set_default_dtype(default)

    def _decided(self, step: Step, name: str, result: Any) -> Any:
        if self.first:
            step.decided = mapped(lambda x: x.clone() if isinstance(x, Tensor) else x, result)
            return result
        if not isinstance(result, Tensor):
            return result
        with self._hidden():
            kept = self.path.decide(step, name, result)
        if self.tape is not None:
            self.tape.guard(result, kept)
        return kept

    # -- handles ---------------------------------------------------------------------------------------

    def _finished(self, func: Operation, args: Any, kwargs: Any, step: Step, result: Any, real: Any) -> Any:
        """Return what the user's code gets: handles for floats, integers as they are."""
        if func._schema.is_mutable or operation_name(func) in _HIDDEN_CHANGES:
            for x in _changed_by(func, args, kwargs):
                self._changed(x)
        targets = _targets(func, args, kwargs)
        reals = results_of(real) if real is not None else [None] * len(step.forms)
        done = []
        for i, value in enumerate(results_of(result)):
            if i in targets:
                done.append(targets[i])
            elif isinstance(value, Tensor) and value.dtype in (torch.float64, torch.complex128):
                done.append(self._handle(value, step.forms[i] if i < len(step.forms) else None, reals, i))
            else:
                done.append(value)
        if isinstance(result, (tuple, list)):
            return type(result)(done) if type(result) in (tuple, list) else tuple(done)
        return done[0] if done else None

    def _handle(self, values: Tensor, form: Form | None, reals: list[Any], i: int) -> Tensor:
        real = reals[i] if i < len(reals) else None
        with self._hidden():
            if isinstance(real, Tensor) and real.shape == values.shape and self.shadows.find(real) is None:
                handle = real
            else:
                form = form or Form(values.shape, values.stride(), torch.float32, values.device)
                handle = form.handle(values)
            if self.poison:
                handle.fill_(math.nan)
        self._give(handle, values)
        return handle

    def _give(self, handle: Tensor, values: Tensor) -> None:
        self.shadows.adopt(handle, values, self.noise.terms)

    def _changed(self, handle: Any, raw: Tensor | None = None) -> None:
        """The values of a handle have changed in place."""
        if not has_values(handle):
            return
        shadow = self.shadows.find(handle)
        if shadow is not None:
            shadow.terms = max(shadow.terms, self.noise.terms)
        if handle.untyped_storage() in self.shadows.shared:
            refuse("a change in place", "a computed value is written into memory that NumPy shares")
        with self._hidden():
            if self.poison:
                handle.detach().fill_(math.nan)
            elif self.first and raw is not None:
                handle.detach().copy_(raw)


def _precision(dtype: torch.dtype) -> float:
    return -ROUNDOFF[dtype]


def _upwards(wide: dict[int, Tensor]) -> Callable[[Any], Any]:
    def up(x: Any) -> Any:
        if isinstance(x, Tensor):
            return wide.get(id(x), x)
        return wide_dtype(x) if isinstance(x, torch.dtype) else x

    return up


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, (tuple, list)) else value


def _changed_by(func: Operation, args: Any, kwargs: Any) -> list[Any]:
    named = given(func, args, kwargs)
    found = [args[i] for i in _HIDDEN_CHANGES.get(operation_name(func), ()) if i < len(args)]
    for argument in written_arguments(func):
        value = named.get(argument.name)
        found.extend(value if isinstance(value, (list, tuple)) else [value])
    return found


def _targets(func: Operation, args: Any, kwargs: Any) -> dict[int, Any]:
    """Return the results that are arguments changed in place: index of the result -> the handle."""
    if not func._schema.is_mutable:
        return {}
    named, sets = given(func, args, kwargs), {}
    for argument in written_arguments(func):
        sets.update(dict.fromkeys(argument.alias_info.before_set, named.get(argument.name)))
    found = {}
    for i, one in enumerate(func._schema.returns):
        if one.alias_info is not None:
            found[i] = next((sets[name] for name in one.alias_info.before_set if name in sets), None)
    return found
