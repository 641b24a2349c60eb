"""Operations that compute: on the handles once, for the form of the result, and on values in every run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.arguments import (
    changed_by,
    leaves_of,
    mapped,
    results_of,
    targets_of,
)
from samestep.agreement.arithmetic.torch.dtypes import ROUNDOFF
from samestep.agreement.arithmetic.torch.operation_table import operation_name
from samestep.agreement.arithmetic.torch.path import Form, Step
from samestep.agreement.arithmetic.torch.places import refuse
from samestep.agreement.arithmetic.torch.shadows import has_values, wide_dtype

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.dispatch import Interpreter

Operation = Any  # torch._ops.OpOverload

#: Operations of floats that give integers which shape what follows: later runs have the first one's.
_DECIDING = {"nonzero", "_unique2", "unique_dim", "unique_consecutive", "equal"}


def compute(run: Interpreter, func: Operation, args: Any, kwargs: Any) -> Any:
    """Return handles for what an operation gives on values, and its integers as they are."""
    name, mutable = operation_name(func), func._schema.is_mutable
    leaves = leaves_of(args, kwargs)
    floats = _operands(run, func, leaves)
    if floats is None:
        return run.raw(func, args, kwargs)
    step = None if run.first else run.path.follow(name)
    if step is not None and step.integer:
        return func(*args, **kwargs)
    for x in changed_by(func, args, kwargs):
        run.shadows.own(x)
    wide = {id(x): run.shadows.wide(x) for x in floats}
    real: Any = None
    if step is None:
        on_integers = mutable and isinstance(args[0], Tensor) and args[0].dtype not in ROUNDOFF
        real = None if on_integers else run.raw(func, args, kwargs)  # integers are changed once
        step = _written(run, func, floats, real)
    if step.integer or step.alias:
        return real if real is not None else run.raw(func, args, kwargs)
    dtype = _dtype_of(step, floats, mutable)
    if run.first:
        run.path.uniform &= ROUNDOFF[dtype] == ROUNDOFF[torch.float32]
        run.noise.terms = max((run.shadows.terms(x) for x in floats), default=1)
    result = _values(run, func, args, kwargs, dtype, floats, wide)
    if name in _DECIDING and floats:
        result = _decided(run, step, name, result)
    return _finished(run, func, args, kwargs, step, result, real)


def _operands(run: Interpreter, func: Operation, leaves: list[Any]) -> list[Tensor] | None:
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
        elif run.shadows.find(x) is not None:
            _bytes(run, func, leaves)
            return None
    return floats


def _bytes(run: Interpreter, func: Operation, leaves: list[Any]) -> None:
    """A storage is copied byte by byte: its shadow goes along. Anything else reads bits of floats."""
    target, source = leaves[0], leaves[1] if len(leaves) > 1 else None
    whole = isinstance(source, Tensor) and source.numel() == source.untyped_storage().nbytes()
    if func is not torch.ops.aten.copy_.default or not whole:
        refuse(func, "the bits of a float tensor are read as integers")
    run.copy_shadow(source, target)


def _written(run: Interpreter, func: Operation, floats: list[Tensor], real: Any) -> Step:
    """Write the step that gave the real results; a result on a known storage is no new tensor."""
    forms, alias, some = [], False, False
    for x in results_of(real):
        if isinstance(x, Tensor) and x.layout is not torch.strided:
            refuse(func, f"a tensor of layout {x.layout} has no rule")
        old = has_values(x) and run.shadows.find(x) is not None
        alias, some = alias or old, some or has_values(x)
        forms.append(Form.of(x) if isinstance(x, Tensor) and not old else None)
    mutable = func._schema.is_mutable
    step = Step(operation_name(func), tuple(forms), not floats and not some, alias and not mutable)
    run.path.write(step)
    return step


def _values(
    run: Interpreter,
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
    run.noise.roundoff, run.noise.source_roundoff = ROUNDOFF[dtype], precise
    if floats:
        return run.noise.apply(func, mapped(up, args), mapped(up, dict(kwargs)))
    default = torch.get_default_dtype()  # floats out of integers or numbers: by default float64 here
    torch.set_default_dtype(torch.float64)
    try:
        return run.noise.apply(func, mapped(up, args), mapped(up, dict(kwargs)))
    finally:
        torch.set_default_dtype(default)


def _decided(run: Interpreter, step: Step, name: str, result: Any) -> Any:
    if run.first:
        step.decided = mapped(lambda x: x.clone() if isinstance(x, Tensor) else x, result)
        return result
    kept = []
    for value, decided in zip(results_of(result), results_of(step.decided), strict=True):
        with run.hidden():
            kept.append(run.path.decide(decided, name, value))
        if run.tape is not None and isinstance(value, Tensor):
            run.tape.guard(value, kept[-1])
    return tuple(kept) if isinstance(result, (tuple, list)) else kept[0]


def _finished(
    run: Interpreter, func: Operation, args: Any, kwargs: Any, step: Step, result: Any, real: Any
) -> Any:
    """Return what the user's code gets: handles for new values, what was changed in place, integers."""
    for x in changed_by(func, args, kwargs):
        run.changed(x)
    targets = targets_of(func, args, kwargs)
    reals = results_of(real) + [None] * len(step.forms)
    done = []
    for i, value in enumerate(results_of(result)):
        if i in targets:
            done.append(targets[i])
        elif isinstance(value, Tensor) and value.dtype in (torch.float64, torch.complex128):
            done.append(_handle(run, value, step.forms[i] if i < len(step.forms) else None, reals[i]))
        else:
            done.append(value)
    if isinstance(result, (tuple, list)):
        return done if isinstance(result, list) else tuple(done)
    return done[0] if done else None


def _handle(run: Interpreter, values: Tensor, form: Form | None, real: Any) -> Tensor:
    with run.hidden():
        if isinstance(real, Tensor) and real.shape == values.shape and run.shadows.find(real) is None:
            handle = real
        else:
            form = form or Form(values.shape, values.stride(), torch.float32, values.device)
            handle = form.handle(values)
        if run.poison:
            handle.fill_(math.nan)
    run.shadows.adopt(handle, values, run.noise.terms)
    return handle


def _dtype_of(step: Step, floats: list[Tensor], mutable: bool) -> torch.dtype:
    """Return the dtype of a result in the user's code: of what is changed, of the first new float."""
    if mutable and floats:
        return floats[0].dtype
    found = [form.dtype for form in step.forms if form is not None and form.dtype in ROUNDOFF]
    return found[0] if found else (floats[0].dtype if floats else torch.float32)
