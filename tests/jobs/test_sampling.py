"""A doubt is a question: what repeats is a verdict, and what does not is a sample that does not count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from samestep.agreement.verdict import AGREE, DISAGREE, Verdict
from samestep.jobs.sampling import ASKS, REQUESTS
from samestep.measure.account import Spent
from samestep.records.schema import Sample
from samestep.workers.protocol import LookAt, MakeReady, MeetAgain, Rest, TakeSample
from tests.made.instant import TASKS, Instant, answering, measured, records, summaries


@pytest.fixture
def run(tmp_path, instant, launcher) -> Callable[[], Any]:
    return lambda: measured(tmp_path, launcher(0))


def of_b(answer: dict[str, Any]) -> Callable[[Instant, Any], dict[str, Any]]:
    """What only ``numpy_b`` answers."""
    return lambda worker, _: answer if worker.cell.implementation == "numpy_b" else {}


def waiting(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """So many samples of ``numpy_b`` take the parent three times as long as its clock says, for no reason."""
    left, ask = [times], Instant.ask

    def asked(worker: Instant, request: Any, seconds: float) -> Any:
        answer = ask(worker, request, seconds)
        if isinstance(request, TakeSample) and worker.cell.implementation == "numpy_b" and left[0] > 0:
            left[0] -= 1
            worker.waited += 2 * answer.seconds
        return answer

    def spent(worker: Instant) -> Spent:
        return Spent(worker.passed + worker.waited, worker.passed, worker.passed, 0.0)

    monkeypatch.setattr(Instant, "waited", 0.0, raising=False)
    monkeypatch.setattr(Instant, "ask", asked)
    monkeypatch.setattr(Instant, "spent", spent)


@pytest.mark.parametrize("times", [1, ASKS - 1])
def test_a_doubt_that_does_not_repeat_is_a_sample_that_does_not_count(run, monkeypatch, times):
    waiting(monkeypatch, times)
    done = run()
    assert {row.verdict for row in summaries(done).values()} == {AGREE}
    repeated = [one for one in records(done, Sample) if one.repeated]
    assert [one.cell.split("/")[1] for one in repeated] == ["numpy_b"] * times


def test_a_doubt_that_repeats_is_the_verdict(run, monkeypatch):
    waiting(monkeypatch, 10**6)
    rows = summaries(run())
    assert rows["numpy_b"].verdict == "invalid"
    assert (
        "the parent waited 3e+03 ms for a sample that its clock says lasted 1e+03 ms"
        in rows["numpy_b"].reason
    )
    assert {rows[name].verdict for name in ("numpy_manual", "numpy_a", "numpy_slow")} == {AGREE}


def test_a_worker_that_works_between_its_turns_is_refused_if_it_does_so_again_and_again(run, monkeypatch):
    turns: Counter[Instant] = Counter()

    def spent(worker: Instant) -> Spent:
        turns[worker] += worker.cell.implementation == "numpy_b"
        return Spent(turns[worker] + worker.passed, turns[worker] / 10 + worker.passed, worker.passed, 0.0)

    monkeypatch.setattr(Instant, "spent", spent)
    rows = summaries(run())
    assert rows["numpy_b"].verdict == "invalid"
    assert "it took 100 ms of processors between its turns" in rows["numpy_b"].reason
    assert rows["numpy_a"].verdict == AGREE


@pytest.mark.parametrize(
    ("operation", "answer", "verdict", "reason"),
    [
        ("look_at", {"late": 0.5}, "invalid", "its results were there 500 ms after the clock had stopped"),
        ("meet_again", {"again": 0.4}, "invalid", "calls on inputs that it has met take 400 ms, on others"),
        ("judge_timed", {"doubt": "it has other bits"}, "invalid", "it has other bits"),
        (
            "judge_timed",
            {"verdict": Verdict(DISAGREE, "w is 3")},
            "disagree",
            "the result of a sample: w is 3",
        ),
        ("read_changes", {"changes": ["time.perf_counter"]}, "invalid", "replaced time.perf_counter in its"),
        ("read_changes", {"changes": ["NumPy's print options", "the umask"]}, AGREE, None),
    ],
)
def test_what_is_found_is_the_reason(run, monkeypatch, operation, answer, verdict, reason):
    several = lambda *_: {"loops": dict.fromkeys(TASKS, 5)}  # noqa: E731
    answering(monkeypatch, "prepare", several)
    answering(monkeypatch, operation, of_b(answer))
    rows = summaries(run())
    assert rows["numpy_b"].verdict == verdict
    assert reason is None or reason in rows["numpy_b"].reason
    assert {rows[name].verdict for name in ("numpy_manual", "numpy_a", "numpy_slow")} == {AGREE}


def test_each_task_is_looked_at_in_a_round_that_is_drawn_and_every_sample_has_its_own_inputs(run, instant):
    run()
    for number, worker in enumerate(instant):
        asked = Counter(type(request) for request in worker.asked)
        assert asked[LookAt] == (len(TASKS) if number < len(instant) / 2 else 1)  # in later processes one
        assert asked[MeetAgain] == 0  # a sample is one call here, and its inputs are new
        assert asked[Rest] == REQUESTS
    draws = [one.draw for worker in instant for one in worker.asked if isinstance(one, MakeReady)]
    assert len(set(draws)) == len(draws) > 0
