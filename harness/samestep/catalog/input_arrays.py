"""What ``make_inputs`` gives, held against the spec: names, dtypes, values, and the letters of its axes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from samestep.catalog.spec_fields import Wrong, fails, unknown
from samestep.spec import Case, Inputs, Spec

#: Probes that change params.
NEED_PARAMS = ("nan_parameter", "ties")


def check_arrays(what: str, spec: Spec, case: Case, inputs: Inputs) -> None:
    """Raise `Wrong` for the first array that is not what it may be, or that the spec knows by another name.

    ``what`` names the call that gave the inputs.
    """
    for field, group in {"params": inputs.params, "arrays": inputs.arrays}.items():
        if not isinstance(group, Mapping):
            raise fails(f"{what}: {field}", group, "a dict of arrays")
        for name, array in group.items():
            _check_array(f"{what}: {field}[{name!r}]", array, field == "params" and name not in spec.state)
    _check_once(what, case, inputs)
    _check_used(case, spec, inputs)
    every = {**inputs.params, **inputs.arrays}
    for name in spec.probabilities:
        if name not in every:
            raise unknown("probabilities", name, "an array of make_inputs", every)
        if every[name].min() < 0 or every[name].max() > 1:
            raise Wrong(f"{what}: {name} is from {every[name].min():.3g} to {every[name].max():.3g}, and"
                        " probabilities says from 0 to 1")  # fmt: skip
    _check_axes(spec.axes(case), every)


def _check_array(place: str, array: object, differentiated: bool) -> None:
    """Integers and bools keep their type, and floats are float64; a param that has a gradient is a float."""
    if type(array) is not np.ndarray:
        raise fails(place, array, "a numpy array: np.asarray(...)")
    if array.dtype.kind not in "fiub" or (array.dtype.kind == "f" and array.dtype != np.float64):
        allowed = "float64 (samestep rounds to the dtype of a cell), integers or bool"
        raise Wrong(f"{place} is {array.dtype}, expected {allowed}")
    if differentiated and array.dtype != np.float64:
        raise Wrong(f"{place} is {array.dtype}, expected float64: params have gradients, but those in state")
    if not array.size:
        raise Wrong(f"{place} has no element: its shape is {array.shape}")
    if array.dtype.kind == "f":
        wrong = ~np.isfinite(array) if differentiated else np.isnan(array)
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            allowed = "finite numbers" if differentiated else "numbers (-inf, as of a mask, is one)"
            raise Wrong(f"{place} is {array[index]} at {list(index)}, expected {allowed}")


def _check_once(what: str, case: Case, inputs: Inputs) -> None:
    groups = {"a param": inputs.params, "an array": inputs.arrays, "a number of the case": case.numbers}
    found: dict[str, str] = {}
    for kind, group in groups.items():
        for name in group:
            if name in found:
                raise Wrong(f"{what}: {name!r} is {found[name]} and {kind}: each has a name of its own")
            found[name] = kind


def _check_used(case: Case, spec: Spec, inputs: Inputs) -> None:
    """Whether what the spec names is there: inputs of tasks, state, derivatives, params of probes."""
    given = [*inputs.arrays, *case.numbers]
    for task, about in spec.tasks.items():
        for name in about.inputs:
            if name in inputs.params:
                raise Wrong(f"tasks[{task!r}].inputs: {name!r} is a param, which the state brings along")
            if name not in given:
                what = "an array of make_inputs or a number of the case"
                raise unknown(f"tasks[{task!r}].inputs", name, what, given)
        rows = inputs.arrays.get(about.steps or "")
        if rows is not None and not rows.ndim:
            raise Wrong(f"tasks[{task!r}].steps: {about.steps} has no axis, expected a row for each step")
    for name in spec.state:
        if name not in inputs.params:
            raise unknown("state", name, "a param", inputs.params)
    for derivative, (_, by, weights) in spec.derivatives.items():
        known = {by: {**inputs.params, **inputs.arrays}}
        if weights is not None:
            known[weights] = dict(inputs.arrays)
        for name, there in known.items():
            if name not in there:
                raise unknown(f"derivatives[{derivative!r}]", name, "an array of make_inputs", there)
    if not inputs.params:
        for name in spec.probes:
            if name in NEED_PARAMS:
                raise Wrong(f"probes: {name!r} changes params, and there are none: move it to unsuited")


def _check_axes(axes: Mapping[str, str], every: Mapping[str, np.ndarray]) -> None:
    """Axes of one letter are put into one order, so they are equally long."""
    first: dict[str, tuple[str, int]] = {}
    for name, letters in axes.items():
        if name not in every:
            raise unknown("axes", name, "an array of make_inputs", every)
        shape = every[name].shape
        if len(letters) != len(shape):
            raise Wrong(f"axes[{name!r}] is {letters!r}, expected a letter or . for each axis of {shape}")
        for letter, size in zip(letters, shape, strict=True):
            if letter == ".":
                continue
            if not letter.isalpha():
                raise Wrong(f"axes[{name!r}] is {letters!r}, expected letters, and . where the order matters")
            other, known = first.setdefault(letter, (name, size))
            if known != size:
                raise Wrong(f"axes: {letter!r} is {known} long in {other} and {size} long in {name}: axes of"
                            " different meanings need different letters")  # fmt: skip
