"""A request and an answer are a line of JSON each, and so is what failed."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from samestep.agreement.verdict import Divergence, Verdict
from samestep.codec import Malformed
from samestep.frameworks import Settings
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
    MeasurePeak,
    Misused,
    Open,
    PeakMeasured,
    Prepare,
    Subject,
    TakeSample,
    read_answer,
    read_request,
    write_answer,
    write_request,
)
from samestep.workers.server import OPERATIONS

SUBJECT = Subject("two_layer", "mine", "tiny", 3, Path("/tmp/mine.py"))
EXAMPLES = [
    Open("torch", Settings("float64", "gpu", 2, "tf32"), (Path("/a"), Path("b"))),
    Examine(SUBJECT, Path("/tmp/first.npz"), 100),
    Prepare(SUBJECT, {"train": 7}),
    Prepare(SUBJECT),
    TakeSample("train", 7),
    Confirm(SUBJECT),
    MeasurePeak(),
    Import("jax"),
    Ask("jax", "gradients/relu"),
]


@pytest.mark.parametrize("request_", EXAMPLES, ids=lambda one: one.OP)
def test_a_request_is_one_line_that_names_its_operation(request_):
    line = write_request(request_)
    assert "\n" not in line
    assert json.loads(line)["op"] == request_.OP
    assert read_request(line) == request_


def test_every_request_has_its_own_operation_which_the_server_knows():
    assert len(REQUESTS) == len({type(one) for one in EXAMPLES}) == 8
    assert OPERATIONS.keys() == set(REQUESTS.values())


def test_an_operation_that_is_not_known_is_refused():
    with pytest.raises(KeyError, match="nonsense"):
        read_request('{"op": "nonsense"}')


def test_a_request_with_a_wrong_field_is_refused():
    with pytest.raises(Malformed) as wrong:
        read_request('{"op": "sample", "task": "train", "loops": "many"}')
    assert wrong.value.place == ("loops",)


def line_of(answer: object) -> bytes:
    return write_answer(answer).encode()


def test_an_answer_is_read_as_what_its_request_asks_for():
    divergence = Divergence(0, "train", "w", (1, 2), math.nan, 1.0, math.inf, 0.5, "elements")
    examined = Examined(Verdict("disagree", "line 1\nline 2", divergence))
    assert b"\n" not in line_of(examined)
    assert repr(read_answer(Examined, line_of(examined))) == repr(examined)
    assert json.loads(line_of(examined))["ok"] is True


FAILURES = [
    Failed(Verdict("crashed", "broken"), "Traceback"),
    Failed(Verdict("invalid")),
    Misused("no such file", "Traceback"),
    Misused("no such file"),
]


@pytest.mark.parametrize("answer", FAILURES)
def test_what_failed_is_read_as_such_whatever_was_asked(answer):
    assert json.loads(line_of(answer))["ok"] is False
    for kind in (Examined, Confirmed, PeakMeasured, Answered):
        assert read_answer(kind, line_of(answer)) == answer


def test_an_answer_of_another_kind_is_refused():
    with pytest.raises(Malformed):
        read_answer(Confirmed, line_of(PeakMeasured(1.0, 2.0, 1.0)))


@pytest.mark.parametrize("answer", [None, 3, "text", [1, [2]], {"a": None}])
def test_a_framework_may_answer_a_question_with_anything(answer):
    assert read_answer(Answered, line_of(Answered(answer))) == Answered(answer)
