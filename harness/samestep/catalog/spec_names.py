"""Names in a spec that stand for others: each must exist, and none may mean two things."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping

from samestep.catalog.spec_fields import Wrong, unknown
from samestep.spec import PROBE_NAMES, Case, Spec, Task

#: What a selector can write.
CASE_NAME = re.compile(r"[^][\s=,:/*?]+")

#: Functions of an implementation that are not tasks.
RESERVED = ("adopt", "export", "trace", "asarray")

#: The task whose gradients are those of its loss, and whose inputs ``trace`` gets.
TOGETHER = "loss_and_grads"

#: The number that scales an update where a spec does not name one.
USUAL_RATE = Spec.__dataclass_fields__["rate"].default


def check_names(spec: Spec) -> None:
    """Raise `Wrong` for the first name that is missing, unknown or meant twice. All types are right."""
    for what, group in {"case": spec.cases, "task": spec.tasks}.items():
        if not group:
            raise Wrong(f"{what}s is empty: a workload has at least one {what}")
    for name, case in spec.cases.items():
        _check_case(name, case)
    if not any(case.default for case in spec.cases.values()):
        raise Wrong("no case is a default: set default=True in those that are meant where none is named")
    for name, task in spec.tasks.items():
        _check_task(name, task, spec.cases)
    if spec.trace and TOGETHER not in spec.tasks:
        raise Wrong(f"trace gets what {TOGETHER} gets, and tasks has no {TOGETHER}")
    _check_probes(spec)
    _check_rate(spec)
    for name, (output, _, _) in spec.derivatives.items():
        for one in (name, output):
            _check_output(f"derivatives[{name!r}]", one, spec.tasks)


def _check_case(name: str, case: Case) -> None:
    if not CASE_NAME.fullmatch(name):
        raise Wrong(f"cases[{name!r}]: a case's name has no space and none of [ ] = , : / * ?")
    place = f"cases[{name!r}]"
    for field, named in {"fixed": case.fixed, "at_most": case.at_most}.items():
        for size in named:
            if size not in case.sizes:
                raise unknown(f"{place}.{field}", size, "a size of it", case.sizes)
    for size, most in case.at_most.items():
        if case.sizes[size] > most:
            raise Wrong(f"{place}.at_most has {size} at most {most}, and its own is {case.sizes[size]}")


def _check_task(name: str, task: Task, cases: Mapping[str, Case]) -> None:
    place = f"tasks[{name!r}]"
    if not name.isidentifier() or keyword.iskeyword(name) or name in RESERVED:
        raise Wrong(f"{place}: a task is a function of this name, and none of {', '.join(RESERVED)}")
    if not task.outputs:
        raise Wrong(f"{place}.outputs is empty: name what the task returns, as in ('y_pred',)")
    for one in ("state", "grads"):
        if one in task.inputs:
            raise Wrong(f"{place}.inputs names {one!r}: every task gets the state, and then its inputs")
    if name == TOGETHER and not {"loss", "grads"} <= {*task.outputs}:
        raise Wrong(f"{place}.outputs is {task.outputs}, expected 'loss' and 'grads' among them")
    if task.steps is None:
        return
    if task.steps not in task.inputs:
        raise unknown(f"{place}.steps", task.steps, "an input of the task", task.inputs)
    if not task.trains:
        raise Wrong(f"{place} has steps, and returns no 'state': steps are training steps")
    for case, about in cases.items():
        steps = about.numbers.get(task.steps, 1)
        if type(steps) is not int or steps < 1:
            raise Wrong(
                f"cases[{case!r}].numbers[{task.steps!r}] is {steps}, expected a whole number of steps"
            )


def _check_probes(spec: Spec) -> None:
    for field, named in {"probes": spec.probes, "unsuited": spec.unsuited}.items():
        for name in named:
            if name not in PROBE_NAMES:
                raise unknown(field, name, "a probe", PROBE_NAMES)
    for name in spec.probes:
        if name in spec.unsuited:
            raise Wrong(f"probe {name!r} is in probes and in unsuited: it suits the workload, or it does not")


def _check_rate(spec: Spec) -> None:
    """A workload may have no rate, but one that is named must be there."""
    numbers = {name for case in spec.cases.values() for name in case.numbers}
    if spec.rate != USUAL_RATE and spec.rate not in numbers:
        raise unknown("rate", spec.rate, "a number of a case", sorted(numbers))


def _check_output(place: str, name: str, tasks: Mapping[str, Task]) -> None:
    there = dict.fromkeys(one for task in tasks.values() for one in task.outputs)
    outputs = [one for one in there if one not in ("state", "grads")]
    if name not in outputs:
        raise unknown(place, name, "an output of a task", outputs)
