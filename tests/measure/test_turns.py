"""What a sample returned is what it stored; what is computed late, or remembered, costs otherwise."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from types import SimpleNamespace

import numpy as np
import pytest

from samestep.agreement.examination.native_calls import NativeCalls
from samestep.frameworks import Settings
from samestep.frameworks.numpy import Adapter
from samestep.measure.clock import processor_time
from samestep.measure.timed_tasks import TimedTasks
from samestep.measure.turns import Turns
from tests.made.candidates import MANUAL, candidate

CALLS = NativeCalls(SimpleNamespace(), Adapter(Settings()))
OUTPUTS = ("loss", "grads")
LOSS, GRAD = np.float32(1), np.ones(3, np.float32)
WORK_SECONDS = 0.002


class LatePair(tuple):
    """A tuple that has other parts when they are asked for."""

    def __iter__(self):
        return iter((LOSS, {"w": GRAD}))

    def __getitem__(self, index):
        return (LOSS, {"w": GRAD})[index]


class LateDict(dict):
    """A dict that has other values when they are asked for, and says that it is the language's own."""

    __module__ = "builtins"

    def items(self):
        return {"w": GRAD}.items()

    values = items


class LateMapping(Mapping):
    def __getitem__(self, name):
        return GRAD

    def __iter__(self):
        return iter(("w",))

    def __len__(self):
        return 1


def test_the_parts_of_a_call_are_those_that_are_stored():
    found = CALLS.described((LOSS, {"w": GRAD}), OUTPUTS, ())
    np.testing.assert_array_equal(found.results["grads"].items["w"].array, GRAD)
    found = CALLS.described(LatePair((0, 0)), OUTPUTS, ())
    assert (found.results["loss"].array.array, found.results["grads"].items) == (None, None)
    found = CALLS.described((LOSS, LateDict(w=None)), OUTPUTS, ())
    assert found.results["grads"].items["w"].refused == "NoneType is not a NumPy array"
    for mapping in (LateMapping(), types.MappingProxyType(LateMapping())):
        assert CALLS.described((LOSS, mapping), OUTPUTS, ()).results["grads"].items is None


def test_what_is_no_tuple_of_as_many_parts_is_named():
    assert CALLS.described((LOSS,), OUTPUTS, ()).type == "a tuple of 1"
    assert CALLS.described([LOSS, {}], OUTPUTS, ()).type == "list"
    pair = types.SimpleNamespace(__class__=tuple)
    assert CALLS.described(pair, OUTPUTS, ()).results is None


def work() -> None:
    """Use a processor for a while."""
    end = processor_time() + WORK_SECONDS
    while processor_time() < end:
        pass


def turns(**functions: Callable) -> Turns:
    """Return the turns of the reference of two_layer, with some of its functions replaced."""
    return Turns(TimedTasks(candidate(**functions)))


def lateness(**functions: Callable) -> float:
    """Return how late the results of a training step of two calls are."""
    one = turns(**functions)
    one.make_ready("train_step", 2, draw=1, judged=True)
    one.take()
    return one.late()


def test_a_state_that_is_computed_each_time_it_is_exported_is_late():
    def train_step(state, *inputs):
        new, loss = MANUAL.train_step({name: state[name] for name in ("w1", "w2")}, *inputs)
        return {**new, "pending": True}, loss

    def export(state):
        if "pending" in state:
            work()
        return {name: state[name] for name in ("w1", "w2")}

    assert lateness(train_step=train_step, export=export) > WORK_SECONDS / 2
    assert lateness() < WORK_SECONDS / 2


def test_an_export_that_takes_as_long_of_every_state_is_not_late():
    def export(state):
        work()
        return dict(state)

    assert lateness(export=export) < WORK_SECONDS / 2


@pytest.mark.parametrize("met", [2, 8])
def test_a_memory_shows_from_whichever_call_on_it_answers(met):
    calls = {}

    def forward(state, x):
        key = x.tobytes()
        calls[key] = calls.get(key, 0) + 1
        if calls[key] < met:
            work()
        return MANUAL.forward(state, x)

    first, again = turns(forward=forward).remembers("forward", draw=1, loops=50)
    assert again < first / 2


def test_what_computes_each_time_is_remembered_by_nobody():
    def forward(state, x):
        work()
        return MANUAL.forward(state, x)

    first, again = turns(forward=forward).remembers("forward", draw=1, loops=3)
    assert again > first / 2
