"""An implementation under examination: NumPy values in, NumPy values out, the contract checked between.

Stage S0 of the scheme: names, shapes, dtypes, device. What breaks it raises `Invalid`; an input that
was modified in place raises `Disagreement`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from samestep.agreement.examination.tensor_check import Place, identical
from samestep.agreement.reference.run import Point
from samestep.agreement.verdict import Invalid
from samestep.frameworks import Adapter, Settings
from samestep.spec import Case, Inputs, Spec

Values = dict[str, np.ndarray]


def rounded(values: Mapping[str, Any], dtype: Any) -> Values:
    """Floating arrays in the cell's dtype, others as they are: what the candidate really gets."""
    arrays = {name: np.asarray(value) for name, value in values.items()}
    return {name: a.astype(dtype) if a.dtype.kind == "f" else a for name, a in arrays.items()}


class Candidate:
    """One implementation with its adapter, on the inputs of one case.

    ``params`` and ``arrays`` hold the values as rounded to the cell's dtype; ``numbers`` the case's
    plain Python numbers.
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
        self.params = _read_only(rounded(inputs.params, settings.dtype))
        self.arrays = _read_only(rounded(inputs.arrays, settings.dtype))
        self.native = {name: self.asarray(array) for name, array in self.arrays.items()}

    @property
    def point(self) -> Point:
        """Where it starts from, as the reference takes it."""
        return Point(self.params, self.arrays, self.numbers)

    def on(self, inputs: Inputs, numbers: Mapping[str, float | int] | None = None) -> Candidate:
        """The same implementation in the same process, on other inputs of the same shapes."""
        numbers = numbers if numbers is not None else self.numbers
        return type(self)(self.module, self.adapter, self.settings, self.spec, self.case, inputs, numbers)

    def asarray(self, array: np.ndarray) -> Any:
        """Native, in the implementation's own way where it has one (a session is fed ndarrays)."""
        own = getattr(self.module, "asarray", None)
        return own(array.copy()) if own else self.adapter.asarray(array)

    def offers(self, function: str) -> bool:
        return callable(getattr(self.module, function, None))

    def adopt(self, params: Mapping[str, np.ndarray]) -> Any:
        return self.module.adopt({name: self.asarray(value) for name, value in params.items()})

    def export(self, state: Any, expected: Mapping[str, np.ndarray] | None = None) -> Values:
        """The state's values, copied. ``expected`` gives names and shapes that must come back."""
        exported = self.module.export(state)
        if not isinstance(exported, Mapping):
            raise Invalid(f"export returned {type(exported).__name__}, expected a dict of arrays")
        values = {name: self._numpy("export", name, value) for name, value in exported.items()}
        if expected is not None:
            _same_names("export", values, expected)
        return values

    def training(self) -> list[str]:
        """The training tasks that it offers, the shortest first: there a step is seen by itself."""
        tasks = self.spec.tasks
        offered = [name for name in tasks if tasks[name].trains and self.offers(name)]
        return sorted(offered, key=lambda name: tasks[name].steps is not None)

    def steps(self, task: str) -> int | None:
        """How many training steps one call makes; None for a task that makes one or none."""
        name = self.spec.tasks[task].steps
        if name is None:
            return None
        return int(self.numbers[name]) if name in self.numbers else len(self.arrays[name])

    def arguments(self, task: str, steps: int | None = None) -> list[Any]:
        """The native inputs of a task; ``steps`` shortens a task of many steps to its first ones."""
        spec = self.spec.tasks[task]
        values = []
        for name in spec.inputs:
            if name == spec.steps and steps is not None:
                shorter = steps if name in self.numbers else self.asarray(self.arrays[name][:steps])
                values.append(shorter)
            else:
                values.append(self.numbers[name] if name in self.numbers else self.native[name])
        return values

    def call(self, task: str, state: Any, arguments: list[Any]) -> Any:
        """What the task returns, once it is there."""
        returned = getattr(self.module, task)(state, *arguments)
        self.adapter.wait(returned)
        return returned

    def run(self, place: Place, state: Any, steps: int | None = None) -> tuple[Values, Any]:
        """Call a task: its outputs by name, without the state, and the new state (None if it has none)."""
        task = place.task
        spec = self.spec.tasks[task]
        returned = self.call(task, state, self.arguments(task, steps))
        self._inputs_untouched(place)
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

    def trace(self, place: Place, state: Any) -> Values:
        """The intermediates that the implementation shows, in the spec's order."""
        arguments = self.arguments("loss_and_grads")
        seen = self.module.trace(state, *arguments)
        self._inputs_untouched(place)
        if not isinstance(seen, Mapping):
            raise Invalid(f"trace returned {type(seen).__name__}, expected a dict of arrays")
        unknown = [name for name in seen if name not in self.spec.trace]
        if unknown:
            raise Invalid(f"trace returned {unknown[0]!r}; the spec names {', '.join(self.spec.trace)}")
        return {n: self._numpy("trace", n, seen[n]) for n in self.spec.trace if n in seen}

    def _gradients(self, task: str, grads: Any) -> Values:
        if not isinstance(grads, Mapping):
            raise Invalid(f"{task}: the gradients are {type(grads).__name__}, expected a dict of arrays")
        _same_names(f"{task}: gradients", grads, self.params)
        return {f"grad_{name}": self._numpy(task, f"grad_{name}", grads[name]) for name in self.params}

    def _numpy(self, task: str, name: str, value: Any) -> np.ndarray:
        """A copy of a returned array, with its dtype and device checked."""
        try:
            array = self.adapter.to_numpy(value)
        except TypeError as error:
            raise Invalid(f"{task}: {name} must be the framework's own array, but {error}") from error
        if array.dtype.kind not in "iub" and array.dtype != np.dtype(self.settings.dtype):
            raise Invalid(f"{task}: {name} is {array.dtype}, expected {self.settings.dtype}")
        device = self.adapter.device_of(value)
        if device != self.settings.device:
            raise Invalid(f"{task}: {name} lies on the {device}, expected the {self.settings.device}")
        return array

    def _inputs_untouched(self, place: Place) -> None:
        """The caller's inputs are the caller's: a task that writes into them is wrong."""
        task = "loss_and_grads" if place.task == "trace" else place.task
        for name in self.spec.tasks[task].inputs:
            if name in self.native:
                now = self.adapter.to_numpy(self.native[name])
                identical(place, name, now, self.arrays[name], "the caller's input was modified")


def _read_only(values: Values) -> Values:
    """Views that nobody writes through: what was given must still be there to compare with."""
    views = {name: value.view() for name, value in values.items()}
    for view in views.values():
        view.flags.writeable = False
    return views


def _same_names(where: str, got: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    if set(got) != set(expected):
        raise Invalid(f"{where}: names {sorted(got)}, expected {sorted(expected)}")
