"""One primitive as an equation has it: its function in float64, its parameters, dtypes and place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jax._src import source_info_util

from samestep.agreement.arithmetic.jaxpr.binding import is_complex, is_float
from samestep.agreement.arithmetic.jaxpr.rounding import roundoff
from samestep.agreement.arithmetic.program import Refused


@dataclass(frozen=True)
class Origin:
    """An equation, and the calls around it, the outermost first."""

    equation: Any
    callers: Sequence[Any] = ()

    @property
    def name(self) -> str:
        """The primitive's name."""
        return str(self.equation.primitive.name)

    @property
    def place(self) -> str:
        """Return "file.py:12 in function" of the user's frame that made it, or of the innermost call."""
        for equation in (self.equation, *reversed(self.callers)):
            frame = source_info_util.user_frame(equation.source_info.traceback)
            if frame is not None:
                return f"{Path(frame.file_name).name}:{frame.start_line} in {frame.function_name}"
        return "an unknown place"

    def refused(self, why: str) -> Refused:
        """Return the error that names the primitive, the place and the reason."""
        return Refused(f"{self.name} at {self.place}: {why}")


class Operation:
    """One primitive with its ``kernel`` in float64, parameters and traced dtypes; ``u`` is its roundoff."""

    def __init__(self, origin: Origin, kernel: Callable[..., Any]) -> None:
        equation = origin.equation
        self.origin, self.name, self.kernel = origin, origin.name, kernel
        self.params: Mapping[str, Any] = equation.params
        self.source = equation.invars[0].aval.dtype if equation.invars else None
        self.dtype = equation.outvars[0].aval.dtype
        self.u = roundoff(self.dtype) if is_float(self.dtype) or is_complex(self.dtype) else 0.0
