"""Tasks give the same in any order: a graph inside a graph keeps the variables of whoever called it first."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest

import samestep
from samestep.agreement.examination.tensor_check import Place
from tests.made.rungs import running

pytest.importorskip("tensorflow")

TASKS = ("forward", "loss_and_grads", "train_step", "train")


def results(tasks: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    """What each task gives where they are called in this order, in a module that was never used before: the
    state of each is gone when the next one is called."""
    for name in [name for name in sys.modules if name.startswith("samestep.impls.two_layer")]:
        del sys.modules[name]
    cell, found = samestep.open_cell("two_layer:tiny/tensorflow_function"), {}
    for task in tasks:
        steps = 2 if cell.spec.tasks[task].steps else None
        found[task], _ = cell.run(Place(0, task), cell.adopt(cell.params), steps)
        gc.collect()
    return found


def hold(order: Sequence[str]) -> None:
    """Call the tasks in two orders, and compare what they give."""
    first, then = results(TASKS), results(order)
    assert set(then) == set(TASKS)
    for task, values in first.items():
        for name, value in values.items():
            assert np.array_equal(value, then[task][name]), (task, name)


@pytest.mark.process
@pytest.mark.parametrize("order", [TASKS[::-1], ("train_step", "train", "forward", "loss_and_grads")])
def test_tasks_give_the_same_in_any_order(order):
    """In a process of its own: TensorFlow takes the number of its threads once."""
    code = f"from tests.test_task_orders import hold; hold({order!r})"
    done = subprocess.run([sys.executable, "-c", code], **running(), timeout=300)
    assert done.returncode == 0, done.stderr
