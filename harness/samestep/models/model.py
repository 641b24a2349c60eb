"""A model said explicitly: a function with its parameters and its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from samestep.models.subject import ModelError
from samestep.nearest_name import did_you_mean

FRAMEWORKS = ("torch", "jax", "tensorflow", "keras", "numpy")


@dataclass(frozen=True, eq=False)
class Model:
    """A function with its parameters, for what is no module of a framework.

    ``call(params, *inputs) -> outputs``; with a ``state`` (running statistics, carries)
    ``call(params, state, *inputs) -> (outputs, new_state)``. ``params`` and ``state`` are arrays in any
    nesting of dicts, lists and tuples; outputs are an array or a nesting of arrays. ``framework`` is one of
    torch, jax, tensorflow, keras and numpy; without it, it is found from the parameters and from what the
    function uses.

    >>> samestep.Model(lambda params, x: x @ params["w"] + params["b"], {"w": w, "b": b}, framework="jax")
    """

    call: Callable[..., object]
    params: object = None
    state: object = None
    framework: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not callable(self.call):
            raise ModelError(f"samestep.Model: call is {type(self.call).__name__}, not a function")
        if self.framework not in (None, *FRAMEWORKS):
            hint = did_you_mean(str(self.framework), FRAMEWORKS)
            raise ModelError(f"framework={self.framework!r} is not one of {', '.join(FRAMEWORKS)}{hint}")
