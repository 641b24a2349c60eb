"""An implementation under examination: NumPy values in, NumPy values out, the contract checked between.

This is the stage *contract*: names, shapes, dtypes, device. What breaks it raises `Invalid`; an input that
was modified in place raises `Disagreement`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Self

import numpy as np
import numpy.typing as npt

from samestep.agreement.examination.tensor_check import Place, check_identical
from samestep.agreement.reference.run import Point
from samestep.agreement.verdict import Invalid
from samestep.frameworks import Adapter, Settings
from samestep.spec import Case, Inputs, Spec

Values = dict[str, np.ndarray]

#: Why NumPy code returns float64 where it was given float32.
PROMOTION = "; in NumPy np.sqrt(2) and np.zeros(n) are float64, and make it of float32: 2**0.5, dtype=x.dtype"


def round_floats(values: Mapping[str, npt.ArrayLike], dtype: npt.DTypeLike) -> Values:
    """Return the arrays with floating ones rounded to ``dtype``, and others as they are."""
    arrays = {name: np.asarray(value) for name, value in values.items()}
    return {name: a.astype(dtype) if a.dtype.kind == "f" else a for name, a in arrays.items()}


class Candidate:
    """One implementation with its adapter, on the inputs of one case.

    ``params`` and ``arrays`` hold the values as rounded to the cell's dtype, read-only, and ``native`` those
    arrays as the framework's own; ``numbers`` are the case's plain Python numbers. A state and a native array
    are objects of the framework, which only the implementation and its adapter look into.
    """

    def __init__(
        self,
        module: ModuleType,
        adapter: Adapter,
        settings: Settings,
        spec: Spec,
        case: Case,
        inputs: Inputs,
        numbers: Mapping[str, float | int] | None = None,
    ) -> None:
        self.module = module
        self.adapter = adapter
        self.settings = settings
        self.spec = spec
        self.case = case
        self.numbers = dict(numbers if numbers is not None else case.numbers)
        self.params = _read_only(round_floats(inputs.params, settings.dtype))
        self.arrays = _read_only(round_floats(inputs.arrays, settings.dtype))
        self.native = {name: self.asarray(array) for name, array in self.arrays.items()}

    @property
    def point(self) -> Point:
        """The inputs that it starts from, as the reference takes them."""
        return Point(self.params, self.arrays, self.numbers)

    def on(self, inputs: Inputs, numbers: Mapping[str, float | int] | None = None) -> Self:
        """Return the same implementation in the same process, on other inputs of the same shapes."""
        numbers = numbers if numbers is not None else self.numbers
        return type(self)(self.module, self.adapter, self.settings, self.spec, self.case, inputs, numbers)

    def asarray(self, array: np.ndarray) -> object:
        """Return a native copy of an array.

        It is made in the implementation's own way where it has one (a session is fed ndarrays).
        """
        own = getattr(self.module, "asarray", None)
        return own(array.copy()) if own else self.adapter.asarray(array)

    def offers(self, function: str) -> bool:
        """Return whether the implementation has a function of that name."""
        return callable(getattr(self.module, function, None))

    def adopt(self, params: Mapping[str, np.ndarray]) -> object:
        """Return the implementation's own state, made from params by name."""
        return self.module.adopt({name: self.asarray(value) for name, value in params.items()})

    def export(self, state: object, expected: Mapping[str, np.ndarray] | None = None) -> Values:
        """Return the params of a state by name, copied.

        Raises `Invalid` for anything but a dict of arrays of the cell's dtype and device, and for other names
        than ``expected`` has.
        """
        exported = self.module.export(state)
        if not isinstance(exported, Mapping):
            raise Invalid(f"export returned {type(exported).__name__}, expected a dict of arrays")
        values = {name: self._numpy("export", name, value) for name, value in exported.items()}
        if expected is not None:
            _check_names("export", values, expected)
        return values

    def training_tasks(self) -> list[str]:
        """Return the training tasks that it offers, those of a single step first."""
        tasks = self.spec.tasks
        offered = [name for name in tasks if tasks[name].trains and self.offers(name)]
        return sorted(offered, key=lambda name: tasks[name].steps is not None)

    def steps(self, task: str) -> int | None:
        """Return how many training steps one call makes; None for a task that makes one or none."""
        name = self.spec.tasks[task].steps
        if name is None:
            return None
        return int(self.numbers[name]) if name in self.numbers else len(self.arrays[name])

    def arguments(self, task: str, steps: int | None = None) -> list[object]:
        """Return the native inputs of a task; ``steps`` shortens a task of many steps to its first ones."""
        spec = self.spec.tasks[task]
        values: list[object] = []
        for name in spec.inputs:
            if name == spec.steps and steps is not None:
                shorter = steps if name in self.numbers else self.asarray(self.arrays[name][:steps])
                values.append(shorter)
            else:
                values.append(self.numbers[name] if name in self.numbers else self.native[name])
        return values

    def call(self, task: str, state: object, arguments: list[object]) -> object:
        """Return what the task returns, once it is computed."""
        returned = getattr(self.module, task)(state, *arguments)
        self.adapter.wait(returned)
        return returned

    def run(self, place: Place, state: object, steps: int | None = None) -> tuple[Values, object]:
        """Call a task; return its outputs and gradients by name, copied, and the new state.

        The state is None for a task that returns none. ``steps`` shortens a task of many steps. Raises
        `Invalid` where what comes back breaks the contract, and `Disagreement` where an input was modified.
        """
        task = place.task
        spec = self.spec.tasks[task]
        returned = self.call(task, state, self.arguments(task, steps))
        self._check_inputs(place)
        outputs = returned if len(spec.outputs) > 1 else (returned,)
        if not isinstance(outputs, tuple) or len(outputs) != len(spec.outputs):
            got = f"a tuple of {len(outputs)}" if isinstance(outputs, tuple) else type(returned).__name__
            raise Invalid(f"{task} returned {got}, expected ({', '.join(spec.outputs)})")
        named = dict(zip(spec.outputs, outputs, strict=True))
        new_state = named.pop("state", None)
        values: Values = {}
        if "grads" in named:
            values |= self._gradients(task, named.pop("grads"))
        for name, value in named.items():
            values[name] = self._numpy(task, name, value)
        return {name: values[name] for name in [*named, *values]}, new_state

    def trace(self, place: Place, state: object) -> Values:
        """Return the intermediates that the implementation shows, by name in the spec's order.

        Raises as `run` does.
        """
        arguments = self.arguments("loss_and_grads")
        shown = self.module.trace(state, *arguments)
        self._check_inputs(place)
        if not isinstance(shown, Mapping):
            raise Invalid(f"trace returned {type(shown).__name__}, expected a dict of arrays")
        unknown = [name for name in shown if name not in self.spec.trace]
        if unknown:
            raise Invalid(f"trace returned {unknown[0]!r}; the spec names {', '.join(self.spec.trace)}")
        return {n: self._numpy("trace", n, shown[n]) for n in self.spec.trace if n in shown}

    def _gradients(self, task: str, grads: object) -> Values:
        if not isinstance(grads, Mapping):
            raise Invalid(f"{task}: the gradients are {type(grads).__name__}, expected a dict of arrays")
        names = self.spec.differentiated(self.params)
        _check_names(f"{task}: gradients", grads, names)
        return {f"grad_{name}": self._numpy(task, f"grad_{name}", grads[name]) for name in names}

    def _numpy(self, task: str, name: str, value: object) -> np.ndarray:
        """A copy of a returned array, with its dtype and device checked."""
        try:
            array = self.adapter.to_numpy(value)
        except TypeError as error:
            raise Invalid(f"{task}: {name} must be the framework's own array, but {error}") from error
        if array.dtype.kind not in "iub" and array.dtype != np.dtype(self.settings.dtype):
            widens = (
                PROMOTION if array.dtype == np.float64 and isinstance(value, np.ndarray | np.generic) else ""
            )
            raise Invalid(f"{task}: {name} is {array.dtype}, expected {self.settings.dtype}{widens}")
        device = self.adapter.device_of(value)
        if device != self.settings.device:
            raise Invalid(f"{task}: {name} lies on the {device}, expected the {self.settings.device}")
        return array

    def _check_inputs(self, place: Place) -> None:
        """The caller's inputs are the caller's: a task that writes into them is wrong."""
        task = "loss_and_grads" if place.task == "trace" else place.task
        for name in self.spec.tasks[task].inputs:
            if name in self.native:
                now = self.adapter.to_numpy(self.native[name])
                check_identical(place, name, now, self.arrays[name], "the caller's input was modified")


def _read_only(values: Values) -> Values:
    """Views that nobody writes through: what was given must still be there to compare with."""
    views = {name: value.view() for name, value in values.items()}
    for view in views.values():
        view.flags.writeable = False
    return views


def _check_names(where: str, got: Iterable[str], expected: Iterable[str]) -> None:
    if set(got) != set(expected):
        raise Invalid(f"{where}: names {sorted(got)}, expected {sorted(expected)}")
