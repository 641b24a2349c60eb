"""Rounding noise for PyTorch code in float64: every operation errs as it does in the real program's dtype.

A `NoiseMode` applies operations to float64 tensors. While it records it is exact, and notes how each result
rounds; in a replay it adds random errors of those sizes. What an operation does to its errors stands in
`samestep.agreement.arithmetic.torch.operation_table` and the modules rules_*; what has no rule is refused by
name. The mode stands alone as a `TorchDispatchMode` on float64 code, and an engine may call `apply` itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from samestep.agreement.arithmetic.program import Contract
from samestep.agreement.arithmetic.torch import rules
from samestep.agreement.arithmetic.torch.decompositions import decomposition
from samestep.agreement.arithmetic.torch.operation_table import (
    ABSOLUTE_UNITS,
    EXACT,
    HOLD_NUMBERS,
    RULES,
    UNITS,
    operation_name,
)
from samestep.agreement.arithmetic.torch.places import refuse
from samestep.agreement.arithmetic.torch.random_errors import FLOAT32, DrawLog, RandomErrors


class NoiseMode(RandomErrors, TorchDispatchMode):  # type: ignore[misc]
    """Applies operations in float64, exactly or with noise; `RandomErrors` says how to begin a run."""

    def __init__(self, contract: Contract = Contract.FLOAT32, log: DrawLog | None = None) -> None:
        TorchDispatchMode.__init__(self)
        RandomErrors.__init__(self, contract, log)
        self._inside = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled in here: PyTorch's wrapper would only cost time

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.namespace in ("profiler", "debugprims"):
            return func(*args, **(kwargs or {}))
        return self.apply(func, args, kwargs or {})

    def apply(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what the operation ``func`` gives on float64 tensors, with its rounding. Raises `Refused`.

        In-place operations change their operand, which they return.
        """
        name = operation_name(func)
        out = self._rounded(func, name, args, kwargs)
        narrows = self.source_roundoff < self.roundoff if name in rules.CASTS else self.roundoff > FLOAT32
        if narrows and not self._inside and name not in EXACT:
            self.operation = name
            self.narrow(out)
        return out

    def _rounded(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.operation = name
        if name in RULES:
            return RULES[name](self, func, args, kwargs)
        if name in UNITS:
            args, kwargs = self.with_literals(args, kwargs)
            return self.relative(func(*args, **kwargs), UNITS[name])
        if name in ABSOLUTE_UNITS:
            out = func(*args, **kwargs)
            return self.absolute(out, lambda: out.abs().clamp_min(1) * ABSOLUTE_UNITS[name])
        if name in EXACT or func.is_view:
            if name in HOLD_NUMBERS:
                args, kwargs = self.with_literals(args, kwargs)
            return func(*args, **kwargs)
        return self.decompose(func, name, args, kwargs)

    def decompose(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what a composite operation gives, taken apart into operations of this mode."""
        parts = decomposition(func, name)
        if parts is None:
            refuse(func, "no rule for its rounding")
        with self.inside():
            return parts(*args, **kwargs)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Let operations in the block round as the parts of one: in float32, where its result is narrower."""
        default = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        self._inside += 1
        try:
            with self:
                yield
        finally:
            self._inside -= 1
            torch.set_default_dtype(default)
