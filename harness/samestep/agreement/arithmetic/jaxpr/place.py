"""Where in the user's code an equation comes from."""

from __future__ import annotations

from typing import Any

from jax._src import source_info_util

from samestep.agreement.arithmetic.program import Refused


def place(equation: Any) -> str:
    """Return "file:line (function)" of the user's frame that made an equation."""
    return str(source_info_util.summarize(equation.source_info))


def refused(equation: Any, why: str) -> Refused:
    """Return the error that names an equation's primitive, the place and the reason."""
    return Refused(f"{equation.primitive.name} at {place(equation)}: {why}")
