"""A tape of an exact run, replayed once on values with bounds: how far correct float32 code can be from it.

Each tensor of the tape has a second one of the same form that holds its bounds, so that views and changes in
place need no rule: they are done to both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from samestep.agreement.arithmetic.program import Contract, Refused, constant_digest
from samestep.agreement.arithmetic.torch import enclosing_sums  # noqa: F401 (its rules are registered)
from samestep.agreement.arithmetic.torch.arguments import leaves_of, mapped, results_of
from samestep.agreement.arithmetic.torch.bounded_call import Applied, Number
from samestep.agreement.arithmetic.torch.enclosing_rules import CREATING, rule_of
from samestep.agreement.arithmetic.torch.instructions import Call, Decision, Instruction, Slot
from samestep.agreement.arithmetic.torch.literals import is_short
from samestep.agreement.arithmetic.torch.operation_table import operation_name
from samestep.agreement.arithmetic.torch.replay import like_the_mode, needed
from samestep.agreement.arithmetic.torch.tape import Recorder
from samestep.agreement.arithmetic.worst_case import Enclosed

#: These give a view of their operand, whatever their schema says.
_ALIASING = {"_unsafe_view", "_reshape_alias", "lift_fresh"}
_COMPLEX = "arithmetic of complex numbers"


def enclosed_results(recorder: Recorder, rounded: frozenset[str], contract: Contract) -> dict[Any, Enclosed]:
    """Return the named results of a tape without noise, with their bounds. Raises `Refused`.

    Constants whose digests are in ``rounded`` may be off by one rounding.
    """
    if recorder.reason:
        raise Refused(recorder.reason)
    elsewhere = {str(row.device) for row in recorder.constants.values() if row.device.type != "cpu"}
    if elsewhere:
        raise Refused(f"bounds are computed on the CPU, and the model is on {', '.join(sorted(elsewhere))}")
    with like_the_mode():
        return Bounds(recorder, rounded, contract).run(needed(recorder))


class Bounds:
    """The tensors of a replay by their slots, each with its bounds; by storage what is not known."""

    def __init__(self, recorder: Recorder, rounded: frozenset[str], contract: Contract) -> None:
        self.contract, self._bases, self._results = contract, recorder.bases, recorder.results
        self._values: dict[Slot, Tensor] = {}
        self._bounds: dict[Slot, Tensor] = {}
        self._unknown: dict[Slot, str] = {}
        self._terms: dict[Slot, int] = {}
        for slot, row in recorder.constants.items():
            self._values[slot] = row.clone() if slot in recorder.changed else row
            if row.dtype is torch.float64:
                self._bounds[slot] = torch.from_numpy(_owed(row.numpy(), rounded))

    def run(self, calls: Sequence[Instruction]) -> dict[Any, Enclosed]:
        """Return the results after all calls. Raises `Refused` where the code decides on what may differ."""
        last = {slot: at for at, call in enumerate(calls) for slot in call.slots()}
        kept = {*self._results.values()}
        for at, call in enumerate(calls):
            if isinstance(call, Decision):
                self._check_decided(call)
            elif isinstance(call, Call):
                self._call(call)
            for slot in call.slots():
                if last[slot] == at and slot not in kept:
                    self._values.pop(slot, None)
                    self._bounds.pop(slot, None)
        return {key: _copied(self._enclosed(slot)) for key, slot in self._results.items()}

    def _check_decided(self, decision: Decision) -> None:
        for slot in decision.operands():
            if not self._enclosed(slot).decided:
                name = operation_name(decision.of.func) if isinstance(decision.of, Call) else "item"
                raise Refused(f"{name} decides on a value that rounding may move")

    def _enclosed(self, slot: Slot) -> Enclosed:
        value = self._values[slot].numpy()
        bound = self._bounds.get(slot)
        base = self._bases[slot]
        found = Enclosed.exact(value) if bound is None else Enclosed(value, bound.numpy())
        return Enclosed(found.value, found.bound, self._terms.get(base, 1), self._unknown.get(base, ""))

    def _call(self, call: Call) -> None:
        func, name = call.func, operation_name(call.func)
        slots = [x for x in leaves_of(call.args, call.kwargs) if type(x) is Slot]
        args, kwargs = mapped(self._value, call.args), mapped(self._value, call.kwargs)
        unknown = "" if name in CREATING else self._first_unknown(slots)
        if not unknown and any(self._values[slot].is_complex() for slot in slots):
            unknown = _COMPLEX
        views = func.is_view or name in _ALIASING
        if unknown:
            self._write(call, results_of(func(*args, **kwargs)), None, unknown)
        elif views:
            bounds = results_of(func(*mapped(self._bound, call.args), **mapped(self._bound, call.kwargs)))
            self._keep(call, results_of(func(*args, **kwargs)), [(bound, 1) for bound in bounds])
        else:
            applied = self._applied(call)
            out = results_of(func(*args, **kwargs))
            self._write(call, out, self._found(applied, out), name)

    def _found(self, applied: Applied, out: list[Any]) -> Sequence[Enclosed] | None:
        """The results with their bounds; None where there is no rule."""
        if any(isinstance(x, Tensor) and x.is_complex() for x in out):
            return None
        values = [x.numpy() if isinstance(x, Tensor) else x for x in out]
        if all(x.decided for x in applied.operands) and not any(_is_float(x) for x in out):
            return [Enclosed.exact(value) for value in values]
        rule = rule_of(applied.func, operation_name(applied.func))
        return None if rule is None else rule(applied, values)

    def _applied(self, call: Call) -> Applied:
        """The operands before the call, which may change them."""
        changes = call.func._schema.is_mutable

        def lifted(x: Any) -> Any:
            if type(x) is float:
                return Number.of(x)
            if type(x) is not Slot:
                return x
            found = self._enclosed(x)
            if not changes:
                return found
            return Enclosed(found.value.copy(), np.array(found.bound), found.terms)

        return Applied(call.func, mapped(lifted, call.args), mapped(lifted, call.kwargs), self.contract)

    def _write(self, call: Call, out: list[Any], found: Sequence[Enclosed] | None, name: str) -> None:
        if found is None:
            for slot in (*call.changes, *(slot for slot in call.results if slot is not None)):
                self._unknown.setdefault(self._bases[slot], name)
            self._keep(call, out, [(None, 1)] * len(out))
            return
        bounds: list[tuple[Tensor | None, int]] = []
        for value, one in zip(out, found, strict=True):
            plain = isinstance(value, Tensor) and (value.dtype is torch.float64 or bool(np.any(one.bound)))
            form = torch.empty_strided(value.shape, value.stride(), dtype=torch.float64) if plain else None
            if form is not None:
                form.copy_(torch.from_numpy(np.array(one.bound, np.float64)).reshape(value.shape))
            bounds.append((form, one.terms))
        self._keep(call, out, bounds)

    def _keep(self, call: Call, out: list[Any], bounds: Sequence[tuple[Tensor | None, int]]) -> None:
        for slot, value, (bound, terms) in zip(call.results, out, bounds, strict=True):
            if slot is None:
                continue
            base = self._bases[slot]
            changed = slot in self._values
            self._values[slot] = value
            if bound is None:
                continue
            if changed and slot in self._bounds:
                self._bounds[slot].copy_(bound)
            elif changed:
                self._unknown.setdefault(base, operation_name(call.func))
            else:
                self._bounds[slot] = bound
            if base == slot or changed:
                self._terms[base] = terms

    def _value(self, x: Any) -> Any:
        return self._values[x] if type(x) is Slot else x

    def _bound(self, x: Any) -> Any:
        """The bounds in the place of a tensor, for a view of it; zeros where it has none."""
        if type(x) is not Slot:
            return x
        value = self._values[x]
        found = self._bounds.get(x)
        if found is None:
            size = value.untyped_storage().nbytes() // value.itemsize
            row = torch.zeros(size, dtype=torch.float64)
            found = row.as_strided(value.shape, value.stride(), value.storage_offset())
        return found

    def _first_unknown(self, slots: Sequence[Slot]) -> str:
        return next((self._unknown[self._bases[s]] for s in slots if self._bases[s] in self._unknown), "")


def _is_float(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dtype is torch.float64


def _copied(x: Enclosed) -> Enclosed:
    if x.unknown:
        return Enclosed.without_rule(np.array(x.value), x.unknown)
    return Enclosed(np.array(x.value), np.array(x.bound), x.terms, x.unknown)


def _owed(array: np.ndarray, rounded: frozenset[str]) -> np.ndarray:
    """The bound of an array that a tape begins with; a single one may be a number of the code."""
    alone = array.size == 1 and not is_short(float(array.flat[0]))
    owing = alone or (bool(rounded) and constant_digest(array) in rounded)
    return np.array(Enclosed.rounded_once(array).bound if owing else np.zeros(array.shape))
