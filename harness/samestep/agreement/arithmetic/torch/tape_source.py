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
    """Writes ``replay(pool, constants)``, which returns tensors by key, and how many decisions differ.

    These are counted apart: integers, which are kept, and numbers, which make the replay useless.
    """

    def __init__(
        self, calls: Sequence[Any], constants: Mapping[Slot, torch.Tensor], results: Mapping[Any, Slot]
    ) -> None:
        self.calls, self.constants, self.results = calls, list(constants), dict(results)
        self.names: dict[str, Any] = {"torch_equal": torch.equal, "add_error": add_error}
        self._named: dict[int, str] = {}
        self._views: dict[tuple[float, str], Callable[..., torch.Tensor]] = {}

    def function(self) -> Callable[..., Any]:
        """Return the compiled function."""
        lines = [
            "def replay(pool, constants):",
            " flips, lost = 0, 0",
            " offset, block = pool.next_offset, pool.block",
        ]
        if self.constants:
            lines.append(" " + "".join(f"{_name(slot)}, " for slot in self.constants) + "= constants")
        last = self._last_uses()
        for at, call in enumerate(self.calls):
            lines.append(" " + self._line(call))
            if at in last:
                lines.append(" del " + ", ".join(last[at]))
        pairs = ", ".join(f"{self._value(key)}: {_name(slot)}" for key, slot in self.results.items())
        lines.append(f" return {{{pairs}}}, flips, lost")
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

    def _last_uses(self) -> dict[int, list[str]]:
        last: dict[Slot, int] = {}
        for at, call in enumerate(self.calls):
            for slot in call.slots():
                last[slot] = at
        kept = set(self.results.values())
        free: dict[int, list[str]] = {}
        for slot, at in last.items():
            if slot not in kept:
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
