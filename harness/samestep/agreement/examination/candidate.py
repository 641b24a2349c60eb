"""An implementation under examination: NumPy values in, NumPy values out, the contract checked between.

This is the stage *contract*: names, shapes, dtypes, device. What breaks it raises `Invalid`; an input that
was modified in place raises `Disagreement`. The implementation itself may be in another process: a candidate
asks for `samestep.agreement.examination.raw_calls.RawCalls`, and judges what they answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from samestep.agreement.examination.raw_calls import Given, Modified, RawCalls, Returned, Shown, Values
from samestep.agreement.examination.tensor_check import Place, check_identical
from samestep.agreement.reference.run import Point
from samestep.agreement.verdict import Invalid
from samestep.frameworks import Settings
from samestep.spec import Case, Inputs, Spec

__all__ = ["Candidate", "Values", "round_floats"]

#: Why NumPy code returns float64 where it was given float32.
PROMOTION = (
    "; in NumPy np.sqrt(2), np.zeros(n) and counts (np.bincount) are float64 or int64, and make float64 of "
    "float32: 2**0.5, dtype=x.dtype, .astype(x.dtype)"
)


def round_floats(values: Mapping[str, npt.ArrayLike], dtype: npt.DTypeLike) -> Values:
    """Return the arrays with floating ones rounded to ``dtype``, and others as they are."""
    arrays = {name: np.asarray(value) for name, value in values.items()}
    return {name: a.astype(dtype) if a.dtype.kind == "f" else a for name, a in arrays.items()}


class Candidate:
    """One implementation on the inputs of one case.

    ``params`` and ``arrays`` hold the values as rounded to the cell's dtype, read-only; ``numbers`` are the
    case's plain Python numbers. A state and a native array are handles, of objects that only the
    implementation and its adapter look into.
    """

    def __init__(
        self,
        raw: RawCalls,
        settings: Settings,
        spec: Spec,
        case: Case,
        inputs: Inputs,
        numbers: Mapping[str, float | int] | None = None,
    ) -> None:
        self.raw = raw
        self.settings = settings
        self.spec = spec
        self.case = case
        self.numbers = dict(numbers if numbers is not None else case.numbers)
        self.params = _read_only(round_floats(inputs.params, settings.dtype))
        self.arrays = _read_only(round_floats(inputs.arrays, settings.dtype))
        self._native: dict[str, object] = {}  # of those that a task has needed

    @property
    def point(self) -> Point:
        """The inputs that it starts from, as the reference takes them."""
        return Point(self.params, self.arrays, self.numbers)

    def on(self, inputs: Inputs, numbers: Mapping[str, float | int] | None = None) -> Self:
        """Return the same implementation in the same process, on other inputs of the same shapes."""
        numbers = numbers if numbers is not None else self.numbers
        return type(self)(self.raw, self.settings, self.spec, self.case, inputs, numbers)

    def offers(self, function: str) -> bool:
        """Return whether the implementation has a function of that name."""
        return self.raw.offers(function)

    def adopt(self, params: Mapping[str, np.ndarray]) -> object:
        """Return the implementation's own state, made from params by name."""
        return self.raw.adopt(params)

    def export(self, state: object, expected: Mapping[str, np.ndarray] | None = None) -> Values:
        """Return the params of a state by name, copied.

        Raises `Invalid` for anything but a dict of arrays of the cell's dtype and device, and for other names
        than ``expected`` has.
        """
        exported = _items("export returned", self.raw.export(state))
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

    def handles(self, task: str, steps: int | None = None, first: int = 0) -> list[object]:
        """Return the inputs of a task as raw calls take them; ``steps`` shortens a task of many steps to N of
        them, from the step ``first`` on."""
        spec = self.spec.tasks[task]
        whole = [n for n in spec.inputs if n not in self.numbers and (n != spec.steps or steps is None)]
        missing = {name: self.arrays[name] for name in whole if name not in self._native}
        if missing:
            self._native |= self.raw.make(missing)
        values: list[object] = []
        for name in spec.inputs:
            if name in self.numbers:
                values.append(steps if name == spec.steps and steps is not None else self.numbers[name])
            elif name == spec.steps and steps is not None:
                values += self.raw.make({name: self.arrays[name][first : first + steps]}).values()
            else:
                values.append(self._native[name])
        return values

    def run(
        self, place: Place, state: object, steps: int | None = None, first: int = 0
    ) -> tuple[Values, object]:
        """Call a task; return its outputs and gradients by name, copied, and the new state.

        The state is None for a task that returns none. ``steps`` shortens a task of many steps, from the step
        ``first`` on. Raises `Invalid` where what comes back breaks the contract, and `Disagreement` where an
        input was modified.
        """
        outputs = self.spec.tasks[place.task].outputs
        returned = self.raw.call(place.task, state, self.handles(place.task, steps, first), outputs)
        self._check_inputs(place, returned.modified, steps, first)
        return self.values(place.task, returned), returned.state

    def repeated(self, task: str, state: object, times: int, steps: int | None = None) -> object:
        """Return the state that a training task leads to in several calls, one after another, each with all
        ``steps`` or with the first of them."""
        if not times:
            return state
        handles, outputs = self.handles(task, steps), self.spec.tasks[task].outputs
        returned = self.raw.call(task, state, handles, outputs, times)
        self._check_inputs(Place(0, task), returned.modified)
        return returned.state

    def values(self, task: str, returned: Returned) -> Values:
        """Return the outputs and gradients of a call by name, copied.

        Raises `Invalid` where they break the contract.
        """
        outputs = self.spec.tasks[task].outputs
        if returned.results is None:
            raise Invalid(f"{task} returned {returned.type}, expected ({', '.join(outputs)})")
        values: Values = {}
        if "grads" in outputs:
            values |= self._gradients(task, returned.results["grads"])
        named = [name for name in outputs if name not in ("state", "grads")]
        for name in named:
            values[name] = self._numpy(task, name, returned.results[name].array)
        return {name: values[name] for name in [*named, *values]}

    def trace(self, place: Place, state: object) -> Values:
        """Return the intermediates that the implementation shows, by name in the spec's order.

        Raises as `run` does.
        """
        returned = self.raw.call("trace", state, self.handles("loss_and_grads"), ["trace"])
        self._check_inputs(place, returned.modified)
        shown = _items("trace returned", (returned.results or {})["trace"])
        unknown = [name for name in shown if name not in self.spec.trace]
        if unknown:
            raise Invalid(f"trace returned {unknown[0]!r}; the spec names {', '.join(self.spec.trace)}")
        return {n: self._numpy("trace", n, shown[n]) for n in self.spec.trace if n in shown}

    def _gradients(self, task: str, grads: Shown) -> Values:
        given = _items(f"{task}: the gradients are", grads)
        names = self.spec.differentiated(self.params)
        _check_names(f"{task}: gradients", given, names)
        return {f"grad_{name}": self._numpy(task, f"grad_{name}", given[name]) for name in names}

    def _numpy(self, task: str, name: str, value: Given | None) -> np.ndarray:
        """A returned array, with its dtype and device checked."""
        if value is None or value.refused:
            what = value.refused if value else "there is none"
            raise Invalid(f"{task}: {name} must be the framework's own array, but {what}")
        array = value.array
        dtype = value.dtype if array is None else str(array.dtype)
        if array is None or (array.dtype.kind not in "iub" and dtype != self.settings.dtype):
            widens = PROMOTION if dtype == "float64" and value.from_numpy else ""
            raise Invalid(f"{task}: {name} is {dtype}, expected {self.settings.dtype}{widens}")
        if value.device != self.settings.device:
            raise Invalid(f"{task}: {name} lies on the {value.device}, expected the {self.settings.device}")
        return array

    def _check_inputs(
        self, place: Place, modified: Sequence[Modified], steps: int | None = None, first: int = 0
    ) -> None:
        """The caller's inputs are the caller's: a task that writes into them is wrong."""
        spec = self.spec.tasks["loss_and_grads" if place.task == "trace" else place.task]
        for one in modified:
            name = spec.inputs[one.position]
            was = self.arrays[name]
            if name == spec.steps and steps is not None:
                was = was[first : first + steps]
            check_identical(place, name, one.now, was, "the caller's input was modified")


def _items(returned: str, shown: Shown) -> Mapping[str, Given]:
    if shown.items is None:
        raise Invalid(f"{returned} {shown.type}, expected a dict of arrays")
    return shown.items


def _read_only(values: Values) -> Values:
    """Views that nobody writes through: what was given must still be there to compare with."""
    views = {name: value.view() for name, value in values.items()}
    for view in views.values():
        view.flags.writeable = False
    return views


def _check_names(where: str, got: Iterable[str], expected: Iterable[str]) -> None:
    if set(got) != set(expected):
        raise Invalid(f"{where}: names {sorted(got)}, expected {sorted(expected)}")
