"""A tape as the source of one Python function: a line for each call, a local name for each slot.

Interpreting a list costs more than small operations do. A name is deleted after its last use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from samestep.agreement.arithmetic.torch.error_blocks import add_error
from samestep.agreement.arithmetic.torch.instructions import (
    Call,
    Decision,
    DrawNumber,
    DrawNumbers,
    Error,
    Number,
    Skipped,
    Slot,
)
from samestep.agreement.arithmetic.torch.noise_pool import POOL_SIZE, Draw, factors

#: Operations that PyTorch's own bindings run with the same arguments, faster than the dispatcher's entry.
_DIRECT = {
    "mul", "add", "sub", "div", "mm", "bmm", "addmm", "neg", "exp", "log", "tanh", "sigmoid", "sqrt", "rsqrt",
    "as_strided", "where", "abs", "hypot", "cat", "stack", "clamp", "relu", "reciprocal",
}  # fmt: skip

#: Scales whose factors are kept; each takes 16 MiB.
_KEPT_SCALES = 8


class TapeSource:
    """Writes ``replay(pool, constants, give)``, which returns how many decisions differ.

    These are counted apart: integers, which are kept, and numbers, which make the replay useless. Each result
    goes to ``give(key, tensor)`` as soon as nothing changes it any more, so that not all need be there at
    once. ``bases`` has the slot that stands for each slot's storage.
    """

    def __init__(
        self,
        calls: Sequence[Any],
        constants: Mapping[Slot, torch.Tensor],
        results: Mapping[Any, Slot],
        bases: Sequence[Slot],
    ) -> None:
        self.calls, self.constants, self.results, self.bases = calls, list(constants), dict(results), bases
        self.names: dict[str, Any] = {"torch_equal": torch.equal, "add_error": add_error}
        self._named: dict[int, str] = {}
        self._views: dict[tuple[float, str], Callable[..., torch.Tensor]] = {}

    def function(self) -> Callable[..., Any]:
        """Return the compiled function."""
        lines = [
            "def replay(pool, constants, give):",
            " flips, lost = 0, 0",
            " offset, block = pool.next_offset, pool.block",
        ]
        if self.constants:
            lines.append(" " + "".join(f"{_name(slot)}, " for slot in self.constants) + "= constants")
        given = self._given()
        last = self._last_uses(given)
        for at, call in enumerate((None, *self.calls)):
            if call is not None:
                lines.append(" " + self._line(call))
            lines += [f" give({self._value(key)}, {_name(self.results[key])})" for key in given.get(at, ())]
            if at in last:
                lines.append(" del " + ", ".join(last[at]))
        lines.append(" return flips, lost")
        exec(compile("\n".join(lines), "<tape>", "exec"), self.names)
        return self.names["replay"]  # type: ignore[no-any-return]

    def _line(self, call: Any) -> str:
        if isinstance(call, DrawNumbers):
            return f"{_name(call.slot)} = {self._draw(call.draw)}"
        if isinstance(call, Error):
            width = "None" if call.width is None else _name(call.width)
            how = f"{_name(call.out)}, {width}, {call.scale!r}, {call.relative}"
            return f"add_error(pool, {self._value(call.draw)}, offset(), {how})"
        if isinstance(call, Skipped):
            return "offset()"
        if isinstance(call, DrawNumber):
            return f"n{int(call.number)} = {call.exact!r} * (1 + {call.scale!r} * pool.number(offset()))"
        if isinstance(call, Decision):
            return f"{'lost' if isinstance(call.expected, float) else 'flips'} += {self._decision(call)}"
        operands = set(call.operands())
        names = [_name(slot) if slot not in {None, *operands} else "_" for slot in call.results]
        if not names or set(names) == {"_"}:
            return self._call(call)
        return (names[0] if _is_single(call) else ", ".join(names) + ",") + " = " + self._call(call)

    def _draw(self, draw: Draw) -> str:
        """Small draws are a view of the pool, or of the pool as factors, for few scales."""
        kind = draw.scale, draw.device
        if draw.size > POOL_SIZE or len(self._views.keys() | {kind}) > _KEPT_SCALES:
            return f"block({self._value(draw)}, offset())"
        view = self._views.setdefault(kind, factors(*kind).as_strided)
        return f"{self._value(view)}({draw.shape}, {draw.stride}, offset())"

    def _decision(self, decision: Decision) -> str:
        if isinstance(decision.of, Call):
            return f"{self._call(decision.of)} != {self._value(decision.expected)}"
        if isinstance(decision.expected, torch.Tensor):
            return f"not torch_equal({_name(decision.of)}, {self._value(decision.expected)})"
        return f"{_name(decision.of)}.item() != {self._value(decision.expected)}"

    def _call(self, call: Call) -> str:
        args = [self._argument(x) for x in call.args]
        args += [f"{key}={self._argument(x)}" for key, x in call.kwargs.items()]
        return f"{self._value(_fast(call.func))}({', '.join(args)})"

    def _argument(self, value: Any) -> str:
        kind = type(value)
        if kind is Slot:
            return _name(value)
        if kind is Number:
            return f"n{int(value)}"
        if kind is list:
            return "[" + ", ".join(self._argument(x) for x in value) + "]"
        if kind is tuple:
            return "(" + "".join(self._argument(x) + ", " for x in value) + ")"
        return repr(value) if kind in (int, bool) or value is None else self._value(value)

    def _value(self, value: Any) -> str:
        """Return the name of an object that the function uses."""
        name = self._named.get(id(value))
        if name is None:
            name = self._named[id(value)] = f"v{len(self._named)}"
            self.names[name] = value
        return name

    def _given(self) -> dict[int, list[Any]]:
        """After which call, counted from 1, each result stays as it is: that makes it or changes it last."""
        made: dict[Slot, int] = {}
        changed: dict[Slot, int] = {}
        for at, call in enumerate(self.calls, 1):
            for slot in call.slots():
                made.setdefault(slot, at)
            for slot in () if isinstance(call, Skipped | DrawNumber | DrawNumbers) else call.changes:
                changed[self.bases[slot]] = at
        given: dict[int, list[Any]] = {}
        for key, slot in self.results.items():
            at = 0 if slot in self.constants else made[slot]
            given.setdefault(max(at, changed.get(self.bases[slot], 0)), []).append(key)
        return given

    def _last_uses(self, given: Mapping[int, Sequence[Any]]) -> dict[int, list[str]]:
        last = {self.results[key]: at for at, keys in given.items() for key in keys}
        for at, call in enumerate(self.calls, 1):
            for slot in call.slots():
                last[slot] = max(at, last.get(slot, 0))
        free: dict[int, list[str]] = {}
        for slot, at in last.items():
            free.setdefault(at, []).append(_name(slot))
        return free


def _name(slot: Slot) -> str:
    return f"t{int(slot)}"


def _is_single(call: Call) -> bool:
    returns = call.func._schema.returns
    return len(returns) == 1 and "List" not in str(returns[0].type) and "[]" not in str(returns[0].type)


def _fast(func: Any) -> Any:
    name = str(func._schema.name).split("::")[1]
    if name.rstrip("_") not in _DIRECT or func._schema.overload_name.endswith("out"):
        return func._op
    if name.endswith("_"):
        return getattr(torch.Tensor, name)
    return getattr(torch, name, None) or getattr(torch.Tensor, name)
