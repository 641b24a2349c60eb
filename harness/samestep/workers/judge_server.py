"""The judge: a process that holds the reference, and into which no implementation comes.

It examines an implementation by the raw calls of another process, which it asks for over its own channel: the
parent passes them on. Here is samestep's own interpreter and NumPy, and of a workload its spec and its
reference; so whatever an implementation patches, it patches elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.examine import confirm, examine, examine_timed
from samestep.agreement.examination.fresh_inputs import fresh_arrays
from samestep.agreement.free_run import free_run
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.run import Point, Reference
from samestep.agreement.reference.spread_cache import SpreadCache, digest, own_source
from samestep.agreement.verdict import ABSTAINS, CRASHED, INVALID, Verdict
from samestep.catalog.catalog import Catalog
from samestep.catalog.identity import identity
from samestep.catalog.inputs import draw_inputs
from samestep.catalog.roots import REFERENCE
from samestep.errors import SamestepError
from samestep.frameworks import Settings
from samestep.spec import Inputs
from samestep.workers.channel import Channel
from samestep.workers.frames import Malformed, Message
from samestep.workers.protocol import (
    Confirm,
    Confirmed,
    Examine,
    Examined,
    Failed,
    JudgeTimed,
    Misused,
    TimedJudged,
    read_answer,
    read_request,
    write_answer,
    write_request,
)
from samestep.workers.raw_requests import Load, Subject
from samestep.workers.remote_calls import Ask, RemoteCalls
from samestep.workers.request import A, Request
from samestep.workers.serving import answer


class ImplementationFailed(Exception):
    """A raw call raised in the process of the implementation: what that makes of the cell."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.verdict.reason)
        self.failed = failed


class ImplementationLost(BaseException):
    """The process of the implementation is gone, and nobody waits for a verdict any more."""


@dataclass(frozen=True)
class Matter:
    """What is to be judged: which implementation, in which settings, of which roots."""

    subject: Subject
    settings: Settings
    roots: Sequence[Path]

    @property
    def case(self) -> tuple[object, ...]:
        """What all implementations of the case have in common."""
        one = self.subject
        return one.workload, one.case, one.seed, self.settings.dtype, self.settings.matmul, self.roots


class JudgeServer:
    """The operations; what the reference gives is the same for all implementations of a case."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.inputs: tuple[object, Inputs] | None = None
        self.expected: tuple[object, Expectations] | None = None

    def examine(self, request: Examine) -> Examined:
        """Take an implementation through all stages, and then on a free run."""
        matter = Matter(request.subject, request.settings, tuple(request.roots))
        candidate = self._candidate(matter)
        expectations = self._expectations(matter, candidate.point)
        verdict = examine(candidate, expectations, request.keep, request.only)
        # What breaks the contract goes nowhere, nor does what trains nothing or has nothing beside it.
        stays = verdict.verdict in (INVALID, ABSTAINS) or not candidate.training_tasks()
        if not request.free_run_steps or stays:
            return Examined(verdict)
        return Examined(verdict, free_run(candidate, expectations.reference, request.free_run_steps))

    def confirm(self, request: Confirm) -> Confirmed:
        """Examine once more the very module that was timed."""
        matter = Matter(request.subject, request.settings, tuple(request.roots))
        candidate = self._candidate(matter, prepared=True)
        return Confirmed(confirm(candidate, self._expectations(matter, candidate.point)))

    def judge_timed(self, request: JudgeTimed) -> TimedJudged:
        """Examine what the last sample of a worker returned, on inputs that were drawn for it."""
        matter = Matter(request.subject, request.settings, tuple(request.roots))
        candidate = self._candidate(matter, prepared=True)
        raw = candidate.raw
        assert isinstance(raw, RemoteCalls)
        timed = raw.timed()
        arrays = fresh_arrays(candidate.spec, candidate.case, candidate.arrays, timed.draw)
        mine = candidate.on(Inputs(candidate.params, arrays))
        case = self._expectations(matter, candidate.point)
        here = Expectations(case.reference, mine.point, case.path.source, SpreadCache(largest=0))
        return TimedJudged(
            *examine_timed(mine, here, timed.task, timed.loops, timed.returned, request.judged)
        )

    def _candidate(self, matter: Matter, prepared: bool = False) -> Candidate:
        """Return an implementation as the process that has it serves it."""
        subject = matter.subject
        spec = _catalog(tuple(matter.roots)).spec(subject.workload)
        case = spec.case(subject.case)
        if self.inputs is None or self.inputs[0] != matter.case:
            self.inputs = matter.case, draw_inputs(spec, case, subject.seed)
        functions = ("adopt", "export", "trace", *spec.tasks)
        raw = RemoteCalls(self.ask, Load(subject, functions, prepared))
        return Candidate(raw, matter.settings, spec, case, self.inputs[1])

    def _expectations(self, matter: Matter, start: Point) -> Expectations:
        """Return what the reference gives; the same object for all implementations of a case."""
        if self.expected is None or self.expected[0] != matter.case:
            catalog, settings = _catalog(tuple(matter.roots)), matter.settings
            rung = catalog.implementation(matter.subject.workload, REFERENCE)
            spec = catalog.spec(rung.workload)
            reference = Reference(catalog.load(rung), spec, settings.dtype, settings.matmul)
            source = digest(own_source(), identity(catalog, rung.workload, rung.name).encode())
            self.expected = matter.case, Expectations(reference, start, source, SpreadCache())
        return self.expected[1]


@cache
def _catalog(roots: tuple[Path, ...]) -> Catalog:
    return Catalog(roots)


def ask_over(send: Callable[[Message], Message | None]) -> Ask:
    """Return what asks the process of the implementation, by a message that is answered by one, or by None.

    It raises `ImplementationFailed` for what a raw call raised there, SamestepError for a mistake of the
    user's, `Malformed` for what is no answer, and `ImplementationLost` where there will be none.
    """

    def ask(request: Request[A]) -> A:
        message = send(write_request(request))
        if message is None:
            raise ImplementationLost
        try:
            found = read_answer(request.ANSWER, message)
        except ValueError as error:
            raise Malformed(f"{request.OP}: {error}") from error
        if isinstance(found, Misused):
            if isinstance(request, Load):
                raise SamestepError(found.usage)
            found = Failed(Verdict(CRASHED, f"SamestepError: {found.usage}"), found.traceback)
        if isinstance(found, Failed):
            raise ImplementationFailed(found)
        return found

    return ask


#: What a request asks for, by its type.
OPERATIONS: dict[type, Callable[..., object]] = {
    Examine: JudgeServer.examine,
    Confirm: JudgeServer.confirm,
    JudgeTimed: JudgeServer.judge_timed,
}


def judge(server: JudgeServer, request: Request[object]) -> object:
    """Return the answer to a request; what a raw call raised is the answer."""
    try:
        with np.errstate(all="ignore"):
            return OPERATIONS[type(request)](server, request)
    except ImplementationFailed as error:
        return error.failed
    except Malformed as error:
        return Failed(Verdict(CRASHED, f"its process gave an answer that is none: {error}"))


def main(descriptor: int) -> None:
    """Judge what is asked over a socket."""
    channel = Channel(descriptor)
    server = JudgeServer(ask_over(channel.ask))

    def answered(message: Message) -> Message | None:
        try:
            return write_answer(answer(partial(judge, server), read_request(message)))
        except ImplementationLost:
            return None

    channel.serve(answered)
