"""Who failed: an implementation, its reference, or samestep itself."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from samestep.agreement.examination.native_calls import NativeCalls
from samestep.agreement.examination.raw_calls import Departures, Returned, Shown
from samestep.agreement.verdict import AGREE, CRASHED, Verdict
from samestep.errors import SamestepError
from samestep.frameworks import Settings
from samestep.frameworks.numpy import Adapter
from samestep.workers.failures import failure
from samestep.workers.frames import Malformed
from samestep.workers.judge_server import ImplementationFailed, JudgeServer, ask_over, judge
from samestep.workers.kept_objects import KeptObjects
from samestep.workers.protocol import Examine, Failed, Misused, write_answer
from samestep.workers.raw_requests import (
    Adopt,
    Call,
    Export,
    Exported,
    Kept,
    Load,
    Loaded,
    Made,
    Make,
    Subject,
)
from samestep.workers.remote_calls import RemoteCalls

SUBJECT = Subject("two_layer", "mine", "tiny")


def reason_of(act: Callable[[], object]) -> str:
    """The reason of a cell whose request raises."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 (whatever it is)
        act()
    verdict = failure(raised.value)
    assert verdict.verdict == CRASHED
    return verdict.reason


def test_what_samesteps_own_code_raises_says_so():
    reason = reason_of(lambda: KeptObjects(NativeCalls(None, None)).export(Export(3)))
    assert reason.startswith("samestep itself failed: KeyError: 3 (kept_objects.py:")
    assert reason.endswith("; please report it")


def test_what_a_call_of_an_implementation_raises_is_its_own():
    calls = NativeCalls(SimpleNamespace(adopt=len, train=None), Adapter(Settings()))
    assert reason_of(lambda: calls.export({})).startswith("AttributeError: ")
    assert reason_of(lambda: calls.call("train", {}, [], ["state"])).startswith("TypeError: ")


def test_what_the_machine_refuses_is_not_samesteps_fault():
    assert reason_of(lambda: Adapter(Settings()).to_numpy(3)).startswith("TypeError: ")
    assert failure(OSError(28, "No space left on device")).reason.startswith("OSError: ")


# -- a process that answers what it likes ----------------------------------------------------------------


def answering(*answers: object):
    """What the judge asks through, of a process that gives these answers, one after another."""
    left = iter(answers)
    return ask_over(lambda _: write_answer(next(left)))


LOADED = Loaded(("adopt", "export", "train"), Departures())


@pytest.mark.parametrize(
    ("answer", "call"),
    [
        (Made({"y": 1}), lambda calls, _: calls.make({"x": 1})),
        (Kept(1), lambda calls, _: calls.make({"x": 1})),
        (Returned("", {}), lambda calls, state: calls.call("train", state, [], ["loss"])),
        (
            Returned("", {"loss": Shown("")}),
            lambda calls, state: calls.call("train", state, [], ["state", "loss"]),
        ),
        (Exported(None), lambda calls, state: calls.export(state)),
        (Failed(Verdict(AGREE)), lambda calls, state: calls.export(state)),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(answer, call):
    calls = RemoteCalls(answering(LOADED, Kept(0), answer), Load(SUBJECT, ()))
    with pytest.raises(Malformed):
        call(calls, calls.adopt({}))


def test_only_who_loads_a_file_may_say_that_the_user_made_a_mistake():
    with pytest.raises(SamestepError, match="no such file"):
        RemoteCalls(answering(Misused("no such file")), Load(SUBJECT, ()))
    calls = RemoteCalls(answering(LOADED, Misused("yours")), Load(SUBJECT, ()))
    with pytest.raises(ImplementationFailed, match="SamestepError: yours"):
        calls.adopt({})


def test_a_process_that_gives_no_answer_gets_a_verdict_and_not_the_one_that_it_claims():
    judged = judge(JudgeServer(answering(Failed(Verdict(AGREE)))), Examine(SUBJECT, Settings()))
    assert judged.verdict.verdict == CRASHED
    assert judged.verdict.reason.startswith(
        "its process gave an answer that is none: load: a failure that is 'agree'"
    )


def test_objects_that_nobody_has_any_more_are_given_up():
    asked = []

    def ask(request: object) -> object:
        asked.append(request)
        return {
            Load: LOADED,
            Make: Made({"x": 1}),
            Adopt: Kept(2),
            Export: Exported(Shown("")),
            Call: Returned("", None),
        }[type(request)]

    calls = RemoteCalls(ask, Load(SUBJECT, ()))
    made, state = calls.make({"x": 1}), calls.adopt({})
    del made
    calls.export(state)
    del state
    calls.adopt({})
    assert [request.dropped for request in asked] == [(), [], [], [1], [2]]


def test_what_has_not_changed_is_not_sent_again():
    module = SimpleNamespace(__name__="mine", adopt=dict, export=dict)
    served = KeptObjects(NativeCalls(module, Adapter(Settings())))
    sent = []

    def ask(request: object) -> object:
        answer = {Load: served.load, Adopt: served.adopt, Export: served.export}[type(request)](request)
        sent.append(getattr(request, "params", 0) is not None and getattr(answer, "shown", 0) is not None)
        return answer

    calls, params = RemoteCalls(ask, Load(SUBJECT, ())), {"w": np.ones(2)}
    params["w"].flags.writeable = False
    one, two = calls.adopt(params), calls.adopt(params)
    first, same = calls.export(one), calls.export(one)
    served._objects[one.number]["w"] += 1
    changed, other = calls.export(one), calls.export(two)
    assert sent == [True, True, False, True, False, True, True]
    assert same is first
    assert [float(one.items["w"].array[0]) for one in (first, changed, other)] == [1, 2, 1]
