"""A workload as frozen data: its cases, its tasks and how its inputs are made.

A workload's ``impls/<workload>/spec.py`` defines one module-level ``SPEC``. This module imports
nothing but the standard library, so that every spec can be read without NumPy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    Arrays = Mapping[str, np.ndarray]

#: What follows a case's name to change its sizes: [batch=64,width=100].
SIZES = re.compile(r"\[([^][=,]+=[1-9][0-9]{0,17}(,[^][=,]+=[1-9][0-9]{0,17})*)\]")

#: The probes that a spec may name, each a function of `samestep.agreement.examination.probes`.
PROBE_NAMES = ("integers", "powers_of_two", "nan", "nan_parameter", "overflow", "ties", "large_logits")


def parse_case(name: str) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Return the base of a case's name and the sizes that it changes, in their order.

    ``tutorial[batch=64]`` -> ("tutorial", (("batch", 64),)). Raises ValueError for a name that is not valid.
    """
    base, bracket, rest = name.partition("[")
    if not bracket:
        return name, ()
    match = SIZES.fullmatch(bracket + rest)
    pairs = [text.split("=") for text in match[1].split(",")] if match else []
    if not base or not pairs or len({size for size, _ in pairs}) < len(pairs):
        raise ValueError(
            f"{name} is not a valid case: write CASE[SIZE=NUMBER], each size once, numbers from 1 on"
        )
    return base, tuple((size, int(number)) for size, number in pairs)


def name_with_size(name: str, size: str, number: int) -> str:
    """Return the name of a case with one more of its sizes changed."""
    return f"{name[:-1]},{size}={number}]" if name.endswith("]") else f"{name}[{size}={number}]"


@dataclass(frozen=True)
class Task:
    """One function that every implementation of a workload offers.

    ``inputs`` are the names of its positional arguments after the state; ``outputs`` are what it returns, in
    order: ``"state"``, ``"grads"`` (a dict with the names of the params, without those of the spec's
    ``state``), or the name of one array. ``steps`` names the input that sets how many training steps one call
    makes: a number (``steps``), or an array with one row for each step (``order``); None where a call makes
    one step or none. ``flops(case)`` returns the floating-point operations of the matrix products of one
    call; elementwise work is left out, as is usual.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    flops: Callable[[Case], float]
    steps: str | None = None

    @property
    def trains(self) -> bool:
        """Whether one call of the task returns a new state."""
        return "state" in self.outputs


@dataclass(frozen=True)
class Case:
    """A workload at one size, with its values.

    ``numbers`` are the trailing inputs of the tasks, plain Python floats and ints. ``dataset`` names a data
    set that samestep loads (``samestep.data``) and passes to the spec's ``make_inputs``. A selector without a
    case part selects the ``default`` cases. ``fixed`` are sizes that its values or its data set determine, so
    that they cannot be changed; ``at_most`` is the largest number that others can have.
    """

    sizes: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, float | int] = field(default_factory=dict)
    dataset: str | None = None
    default: bool = False
    summary: str = ""
    fixed: tuple[str, ...] = ()
    at_most: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    """The values of a case: the ``params`` that ``adopt`` gets, and the inputs ``arrays``.

    Both are arrays by name, whose axes are those of the spec's ``axes``. Floating arrays are float64 here;
    samestep rounds them to the cell's dtype. Integer arrays keep their type.
    """

    params: Arrays
    arrays: Arrays


@dataclass(frozen=True)
class Spec:
    """A workload: its cases, its tasks, and how a case's inputs are made.

    ``make_inputs(case, rng, dataset)`` draws every value from ``rng`` (a ``numpy.random.Generator``) or takes
    it from ``dataset`` (arrays by name, or None), so that one seed gives every framework the same numbers.
    ``trace`` names the intermediates of ``trace(state, *inputs of loss_and_grads)`` in the order in which
    they are computed: that order places a disagreement. ``conventions`` are choices that mathematics leaves
    open (relu'(0) = 0).

    ``axes(case)`` gives a letter to each axis of params and arrays: "ih" for a w1 of inputs by hidden units.
    All axes of one letter may be put into another order together, and the sums over them are then made in
    that order; "." is an axis whose order means something. ``probes`` names the probes of
    `samestep.agreement.examination.probes` that suit the workload, and ``unsuited`` gives the reason for each
    that does not. ``rate`` is the number that scales an update. ``scaled(sizes)`` returns the numbers that
    follow from changed sizes (a rate that shrinks as the sums grow). ``derivatives`` declares which outputs
    of the reference are derivatives: name -> (output, input, weights) for the derivative of sum(weights *
    output) by the input, where weights None stands for ones. ``probabilities`` are arrays whose numbers
    libraries want between 0 and 1, so agreement keeps them there. ``state`` names the params that no gradient
    is taken of and that a step renews by itself: a BatchNorm's running statistics, a key.

    A ``lesson`` is there to be read and checked: its times say more about calls than about networks, so they
    are taken only where it is selected. So are those of what is ``timed_where_selected``: a network that
    makes a run of all too long.
    """

    summary: str
    cases: Mapping[str, Case]
    tasks: Mapping[str, Task]
    make_inputs: Callable[[Case, np.random.Generator, Arrays | None], Inputs]
    trace: tuple[str, ...] = ()
    conventions: Mapping[str, str] = field(default_factory=dict)
    baseline: str = "numpy_manual"
    axes: Callable[[Case], Mapping[str, str]] = lambda case: {}
    probes: tuple[str, ...] = ()
    unsuited: Mapping[str, str] = field(default_factory=dict)
    rate: str = "learning_rate"
    scaled: Callable[[Mapping[str, int]], Mapping[str, float | int]] = lambda sizes: {}
    derivatives: Mapping[str, tuple[str, str, str | None]] = field(default_factory=dict)
    probabilities: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    lesson: bool = False
    timed_where_selected: bool = False

    @property
    def trains(self) -> bool:
        """Whether any task trains."""
        return any(task.trains for task in self.tasks.values())

    def differentiated(self, params: Iterable[str]) -> list[str]:
        """Return the names of those ``params`` that have a gradient."""
        return [name for name in params if name not in self.state]

    def case(self, name: str) -> Case:
        """Return the case of that name; ``base[size=n,other=m]`` is one with other sizes.

        Raises ValueError, which says what there is, for a case or a size that does not exist.
        """
        base, changed = parse_case(name)
        if base not in self.cases:
            raise ValueError(f"{base} is not a case; there are {', '.join(self.cases)}")
        case = self.cases[base]
        free = [size for size in case.sizes if size not in case.fixed]
        there_are = f"there are {', '.join(free)}" if free else "all its sizes are fixed"
        for size, number in changed:
            if size not in free:
                wrong = f"cannot change {size}" if size in case.sizes else "has no such size"
                raise ValueError(f"{base} {wrong}; {there_are}")
            if number > case.at_most.get(size, number):
                raise ValueError(f"{base} has {size} at most {case.at_most[size]}")
        if not changed:
            return case
        sizes = {**case.sizes, **dict(changed)}
        return replace(case, sizes=sizes, numbers={**case.numbers, **self.scaled(sizes)})
