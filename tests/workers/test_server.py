"""A server answers every request, or says what failed; it needs no process of its own for that."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from samestep.agreement.distance import load_outputs
from samestep.frameworks import Settings
from samestep.workers.judge_server import JudgeServer, ask_over, judge
from samestep.workers.protocol import (
    Confirm,
    Confirmed,
    Done,
    Examine,
    Examined,
    Failed,
    JudgeTimed,
    LookAt,
    LookedAt,
    MakeReady,
    MeasurePeak,
    MeetAgain,
    Misused,
    Open,
    Opened,
    PeakMeasured,
    Prepare,
    Prepared,
    ReadMemory,
    Rest,
    Sampled,
    TakeSample,
    read_request,
    write_answer,
)
from samestep.workers.raw_requests import Subject
from samestep.workers.request import Request
from samestep.workers.server import Server, operate
from samestep.workers.serving import answer
from tests.made.rungs import GOOD, MANUAL, doing, root

TASKS = ["loss_and_grads", "train_step", "train"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    rungs = {"numpy_raises": doing("raise ValueError('broken')")}
    return root(tmp_path_factory.mktemp("impls"), rungs)


@pytest.fixture
def server(folder) -> Server:
    server = Server()
    assert isinstance(serve(server, Open("numpy", Settings(), (folder,))), Opened)
    return server


def subject(implementation: str = "numpy_manual", file: Path | None = None) -> Subject:
    return Subject("rigged", implementation, "small", 0, file)


def serve(server: Server, request: Request[object]) -> object:
    """What a worker answers."""
    return answer(partial(operate, server), request)


def judge_of(server: Server) -> JudgeServer:
    """A judge that asks a server by messages, as from another process."""
    return JudgeServer(ask_over(lambda message: write_answer(serve(server, read_request(message)))))


def judged(server: Server, request: Request[object]) -> object:
    """What a judge of its own answers about what a server has."""
    return answer(partial(judge, judge_of(server)), request)


def examine(server: Server, implementation: str = "numpy_manual", file: Path | None = None) -> Examine:
    return Examine(subject(implementation, file), Settings(), server.catalog.roots.own)


def test_a_framework_is_opened_and_says_what_it_computes_with(folder):
    opened = serve(Server(), Open("numpy", Settings(), (folder,)))
    assert opened.facts.versions == {"numpy": np.__version__}
    assert opened.facts.import_seconds > 0
    assert opened.facts.threads == 1


def test_a_framework_that_is_not_there_is_unavailable(folder):
    failed = serve(Server(), Open("abacus", Settings(), (folder,)))
    assert isinstance(failed, Failed)
    assert failed.verdict.verdict == "unavailable"
    assert failed.verdict.reason.startswith("no adapter: write frameworks/abacus.py")
    assert "Traceback" in failed.traceback


def test_an_examination_keeps_the_first_step_and_takes_a_free_run_where_that_is_asked(server, tmp_path):
    kept = tmp_path / "first.npz"
    examined = judged(server, replace(examine(server), keep=kept, free_run_steps=3))
    assert isinstance(examined, Examined)
    assert examined.verdict.verdict == "agree"
    assert len(examined.free_run.distance) == 3
    outputs, _ = load_outputs(kept)
    assert {"loss", "grad_w"} <= set(outputs)
    assert judged(server, examine(server)).free_run is None


def test_the_reference_is_computed_once_for_all_implementations_of_a_case(server):
    one = judge_of(server)
    answer(partial(judge, one), examine(server))
    first = one.expected
    answer(partial(judge, one), examine(server, "numpy_raises"))
    assert one.expected is first


def test_what_an_implementation_raises_is_the_verdict_of_its_cell(server):
    failed = judged(server, examine(server, "numpy_raises"))
    assert isinstance(failed, Failed)
    assert failed.verdict.verdict == "crashed"
    assert failed.verdict.reason.startswith("ValueError: broken (numpy_raises.py:")


def test_a_float64_number_that_widens_a_numpy_result_is_explained(tmp_path):
    wide = GOOD.replace("loss_and_grads, ", "").replace("READ", "import numpy as np\n\nREAD") + (
        "\n\ndef loss_and_grads(state, x, y):\n"
        "    error = (x @ state['w'] - y) * np.sqrt(2)\n"
        "    return np.square(error).sum() / 2, {'w': x.T @ (np.sqrt(2) * error)}\n"
    )
    server = Server()
    serve(server, Open("numpy", Settings(), (root(tmp_path, {"numpy_wide": wide}),)))
    verdict = judged(server, examine(server, "numpy_wide")).verdict
    assert verdict.verdict == "invalid"
    assert "is float64, expected float32; in NumPy np.sqrt(2)" in verdict.reason


@pytest.mark.parametrize("implementation", ["numpy_manual", "numpy_same"])
def test_what_the_reference_may_not_use_blames_no_implementation(tmp_path, implementation):
    manual = MANUAL.replace("np.square(error).sum()", "np.square(error).sum() + 0 * np.median(error)")
    server = Server()
    serve(server, Open("numpy", Settings(), (root(tmp_path, {"numpy_manual": manual, "numpy_same": GOOD}),)))
    failed = judged(server, examine(server, implementation))
    assert failed.verdict.verdict == "abstains"
    assert re.fullmatch(
        r"the reference uses np\.median \(numpy_manual\.py:\d+\), whose rounding cannot be followed: "
        r"use np\.sort and an index",
        failed.verdict.reason,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise RuntimeError('half done')\n", "cannot be loaded: RuntimeError: half done"),
        ("x = (\n", "is not Python"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_a_mistake_of_the_users(server, tmp_path, text, message):
    file = tmp_path / "mine.py"
    file.write_text(text)
    misused = judged(server, examine(server, "mine", file))
    assert isinstance(misused, Misused)
    assert str(file) in misused.usage
    assert message in misused.usage
    assert "Traceback" in misused.traceback


def test_a_file_that_lacks_a_package_is_unavailable(server, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("import nowhere_to_be_found\n")
    failed = judged(server, examine(server, "mine", file))
    assert failed.verdict.verdict == "unavailable"


def test_the_first_invocation_calibrates_and_later_ones_take_its_loops(server):
    first = serve(server, Prepare(subject()))
    assert isinstance(first, Prepared)
    assert list(first.loops) == list(first.first_calls) == list(first.parts) == TASKS
    assert first.steps == {"loss_and_grads": None, "train_step": None, "train": 4}
    assert set(first.latency) == {task for task, loops in first.loops.items() if loops > 1}
    assert first.transfers == {}
    later = serve(server, Prepare(subject(), dict.fromkeys(TASKS, 2)))
    assert later.loops == dict.fromkeys(TASKS, 2)
    assert (later.steps, later.latency, later.parts) == (None, None, None)
    assert {len(calls) for calls in later.first_calls.values()} == {1}


def test_a_sample_and_a_peak_are_timed_and_the_subject_is_confirmed(server):
    serve(server, Prepare(subject(), dict.fromkeys(TASKS, 2)))
    assert serve(server, Rest()) == serve(server, MakeReady("train", 2, draw=7, judged=True)) == Done()
    sampled = serve(server, TakeSample("train", 2))
    assert isinstance(sampled, Sampled)
    assert (sampled.loops, sampled.gpu) == (2, None)
    assert sampled.seconds > 0
    assert isinstance(serve(server, LookAt()), LookedAt)
    timed = judged(server, JudgeTimed(subject(), Settings(), server.catalog.roots.own))
    assert (timed.verdict.verdict, timed.doubt) == ("agree", None)
    assert serve(server, MeetAgain("loss_and_grads", draw=1, loops=5)).first > 0
    peak = serve(server, MeasurePeak())
    assert isinstance(peak, PeakMeasured)
    assert peak.seconds > 0
    confirmed = judged(server, Confirm(subject(), Settings(), server.catalog.roots.own))
    assert isinstance(confirmed, Confirmed)
    assert confirmed.verdict.verdict == "agree"
    memory = serve(server, ReadMemory())
    assert (memory.peak_memory_bytes, memory.device_memory_bytes) == server.memory
