"""A request and an answer are a message each, and so is what failed."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from samestep.agreement.verdict import Divergence, Verdict
from samestep.codec import Malformed
from samestep.frameworks import Settings
from samestep.workers import judge_server
from samestep.workers.frames import Message
from samestep.workers.port_requests import (
    ExaminePort,
    MeasureLimits,
    RecordReference,
    RepeatTimed,
    WriteWeights,
)
from samestep.workers.protocol import (
    REQUESTS,
    Answered,
    Ask,
    Confirm,
    Confirmed,
    Examine,
    Examined,
    Failed,
    Import,
    JudgeTimed,
    LookAt,
    MakeReady,
    MeasurePeak,
    MeetAgain,
    Misused,
    Open,
    PeakMeasured,
    Prepare,
    ReadChanges,
    ReadMemory,
    Rest,
    TakeSample,
    read_answer,
    read_request,
    write_answer,
    write_request,
)
from samestep.workers.raw_requests import Adopt, Call, Export, Kept, Load, Make, ShowTimed, Subject
from samestep.workers.server import OPERATIONS

SUBJECT = Subject("two_layer", "mine", "tiny", 3, Path("/tmp/mine.py"))
EXAMPLES = [
    Open("torch", Settings("float64", "gpu", 2, "tf32"), (Path("/a"), Path("b"))),
    Examine(SUBJECT, Settings(), (Path("/a"),), Path("/tmp/first.npz"), 100),
    Prepare(SUBJECT, {"train": 7}),
    Prepare(SUBJECT),
    Rest(),
    MakeReady("train", 7, 3, judged=True),
    TakeSample("train", 7),
    LookAt(),
    MeetAgain("forward", 3, 50),
    JudgeTimed(SUBJECT, Settings("float64")),
    ReadChanges(),
    ShowTimed(dropped=(3,)),
    Confirm(SUBJECT, Settings("float64")),
    MeasurePeak(),
    ReadMemory(),
    Load(SUBJECT, ("adopt", "train"), prepared=True),
    Make({"x": np.arange(6, dtype="int32").reshape(2, 3)}, dropped=(1, 2)),
    Adopt({"w": np.zeros((0, 3)), "b": np.float32([0.1, np.nan])}),
    Export(3),
    Call("train", 3, (Kept(4), 7, 0.1), ("state", "losses")),
    Import("jax"),
    Ask("jax", "gradients/relu"),
    ExaminePort(SUBJECT, thorough=False, record=Path("/tmp/a.record")),
    MeasureLimits(SUBJECT, 24),
    WriteWeights(SUBJECT, Path("/tmp/a.weights")),
    RecordReference(SUBJECT, Path("/tmp/a.weights"), Path("/tmp/a.record")),
    RepeatTimed(),
]


@pytest.mark.parametrize("request_", EXAMPLES, ids=lambda one: one.OP)
def test_a_request_is_a_message_that_names_its_operation(request_):
    message = write_request(request_)
    assert json.loads(message.document)["op"] == request_.OP
    assert repr(read_request(message)) == repr(request_)  # arrays have no single truth


def test_every_request_has_its_own_operation_which_the_server_knows():
    assert len(REQUESTS) == len({type(one) for one in EXAMPLES}) == 26
    assert OPERATIONS.keys() | judge_server.OPERATIONS.keys() == set(REQUESTS.values())
    assert not OPERATIONS.keys() & judge_server.OPERATIONS.keys()


def test_an_operation_that_is_not_known_is_refused():
    with pytest.raises(KeyError, match="nonsense"):
        read_request(Message(b'{"op": "nonsense"}'))


def test_a_request_with_a_wrong_field_is_refused():
    with pytest.raises(Malformed) as wrong:
        read_request(Message(b'{"op": "sample", "task": "train", "loops": "many"}'))
    assert wrong.value.place == ("loops",)


def test_an_answer_is_read_as_what_its_request_asks_for():
    divergence = Divergence(0, "train", "w", (1, 2), math.nan, 1.0, math.inf, 0.5, "elements")
    examined = Examined(Verdict("disagree", "line 1\nline 2", divergence))
    message = write_answer(examined)
    assert repr(read_answer(Examined, message)) == repr(examined)
    assert json.loads(message.document)["ok"] is True


FAILURES = [
    Failed(Verdict("crashed", "broken"), "Traceback"),
    Failed(Verdict("invalid")),
    Misused("no such file", "Traceback"),
    Misused("no such file"),
]


@pytest.mark.parametrize("answer", FAILURES)
def test_what_failed_is_read_as_such_whatever_was_asked(answer):
    message = write_answer(answer)
    assert json.loads(message.document)["ok"] is False
    for kind in (Examined, Confirmed, PeakMeasured, Answered):
        assert read_answer(kind, message) == answer


def test_an_answer_of_another_kind_is_refused():
    with pytest.raises(Malformed):
        read_answer(Confirmed, write_answer(PeakMeasured(1.0, 2.0, 1.0)))


@pytest.mark.parametrize("answer", [None, 3, "text", [1, [2]], {"a": None}])
def test_a_framework_may_answer_a_question_with_anything(answer):
    assert read_answer(Answered, write_answer(Answered(answer))) == Answered(answer)
