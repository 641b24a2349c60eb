"""One framework in one process, answering requests: a line of JSON in, a line of JSON out.

The parent sets the environment (threads, flags, affinity) before this starts. What a framework prints
goes to standard error, so that it never mixes with the answers.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.examine import confirm, examine
from samestep.agreement.free_run import trajectory
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.run import Reference
from samestep.agreement.reference.spread_cache import Recall, digest, own_source
from samestep.agreement.verdict import CRASHED, INVALID, OUT_OF_MEMORY, UNAVAILABLE, Verdict
from samestep.catalog.catalog import REFERENCE, Catalog
from samestep.conventions import ask
from samestep.data import DataError, load
from samestep.errors import SamestepError
from samestep.frameworks import Adapter, Settings, Unavailable, device_memory
from samestep.measure.clock import nothing, timed
from samestep.measure.machine import gpu_state
from samestep.measure.timed_tasks import MissingWait, Peak, Subject, TimedCandidate, quantiles

Request = Mapping[str, Any]
Answer = dict[str, Any]


class Worker:
    """The operations, one method each; ``open`` comes first."""

    catalog: Catalog
    adapter: Adapter
    settings: Settings
    subject: Subject
    peak: Peak
    memory: Answer | None = None
    known: tuple[Any, Any] = (None, None)

    def open(self, request: Request) -> Answer:
        """Import the framework and configure it."""
        self.catalog = Catalog([Path(root) for root in request["roots"]])
        self.settings = Settings(**request["settings"])
        missing = self.catalog.missing(request["framework"])
        if missing:
            raise Unavailable(missing)

        def configure() -> Adapter:
            adapter: Adapter = self.catalog.load_adapter(request["framework"]).Adapter(self.settings)
            return adapter

        seconds, self.adapter = timed(configure, nothing)
        return {"import_seconds": seconds, **self.adapter.describe()}

    def check(self, request: Request) -> Answer:
        """Examine one implementation on one case; ``trajectory`` asks for a free run of so many steps,
        ``keep`` for a file."""
        candidate = self._candidate(request)
        expectations = self._expectations(request, candidate)
        path = Path(request["keep"]) if request.get("keep") else None
        verdict = examine(candidate, expectations, path)
        answer: Answer = {"verdict": verdict.as_dict()}
        # What breaks the contract goes nowhere, and neither does what trains nothing.
        if request.get("trajectory") and verdict.verdict != INVALID and candidate.training():
            free = trajectory(candidate, expectations.reference, request["trajectory"])
            answer["trajectory"] = asdict(free)
        return answer

    def prepare(self, request: Request) -> Answer:
        """Take the first call of each task and a GPU's transfers, and find how many ``loops`` make a sample.

        Where an earlier process has found them, warm up; else look also at the calls after the first, at each
        call's latency, the device's share, and whether the clock waits for the results.
        """
        build_seconds, candidate = timed(lambda: self._candidate(request, TimedCandidate), nothing)
        self.subject = subject = Subject(candidate)
        loops, tasks, known = request["loops"], subject.tasks, bool(request["loops"])
        on_gpu = self.settings.device == "gpu"
        first = subject.starts(1) if known else subject.starts()
        if on_gpu:
            subject.warm_device(lambda: (gpu_state() or {}).get("clock"))
        transfers = {task: subject.transfers(task) for task in tasks if on_gpu}
        told = {"build_seconds": build_seconds, "first_calls": first, "transfers": transfers}
        if known:
            for task in tasks:
                subject.warm(task, loops[task])
            return {**told, "loops": loops}
        loops = {task: subject.calibrate(task) for task in tasks}
        try:
            parts = {task: subject.parts(task, loops[task]) for task in tasks}
        except MissingWait as missing:
            return {"ok": False, "verdict": Verdict(INVALID, str(missing)).as_dict()}
        return {
            **told,
            "loops": loops,
            "steps": {task: candidate.steps(task) for task in tasks},
            # Where one call is a sample, its samples tell the latency.
            "latency": {task: quantiles(subject.latency(task)) for task in tasks if loops[task] > 1},
            "parts": parts,
        }

    def sample(self, request: Request) -> Answer:
        """One timed batch of calls; a GPU's state right after it, and one that held itself back disturbs."""
        answer = self.subject.sample(request["task"], request["loops"])
        gpu = gpu_state() if self.settings.device == "gpu" else None
        if gpu is not None:
            answer |= {"gpu": gpu, "disturbed": answer["disturbed"] or gpu["throttled"]}
        return answer

    def confirm(self, request: Request) -> Answer:
        """After the last round: the memory that it took, and is it still right?"""
        candidate = self.subject.candidate
        memory = self.memory or self._memory()  # before the reference takes its own
        return {**memory, "verdict": confirm(candidate, self._expectations(request, candidate)).as_dict()}

    def measure_peak(self, request: Request) -> Answer:
        """One large matrix product."""
        if not hasattr(self, "peak"):
            self.memory = self._memory()  # every task was called and warmed; the rest would be the product's
            self.peak = Peak(self.adapter, self.settings.dtype)
        return self.peak.sample()

    def _memory(self) -> Answer:
        return {"peak_memory_bytes": _peak_memory(), "device_memory_bytes": device_memory(self.adapter)}

    def meet(self, request: Request) -> Answer:
        """Import a framework and leave it as it is: conventions are asked of its defaults."""
        missing = Catalog().missing(request["framework"])
        if missing:
            raise Unavailable(missing)
        return {"version": ask.version(request["framework"])}

    def convention(self, request: Request) -> Answer:
        """What the framework answers to one question."""
        return ask.answer(request["framework"], request["question"])

    def _candidate(self, request: Request, kind: type[Candidate] = Candidate) -> Candidate:
        file = Path(request["file"]) if request.get("file") else None
        rung = self.catalog.implementation(request["workload"], request["implementation"], file)
        spec = self.catalog.spec(rung.workload)
        case = spec.case(request["case"])
        dataset = load(case.dataset) if case.dataset else None
        inputs = spec.make_inputs(case, np.random.default_rng(request["seed"]), dataset)
        try:
            module = self.catalog.load(rung)
        except Exception as error:
            if file is None or _lacks_a_package(error):
                raise
            raise SamestepError(
                f"{file} cannot be loaded: {type(error).__name__}: {_one_line(error)}"
            ) from error
        return kind(module, self.adapter, self.settings, spec, case, inputs)

    def _expectations(self, request: Request, candidate: Candidate) -> Expectations:
        """What the reference gives; the same object for all rungs of a case, which start alike."""
        key = (request["workload"], request["case"], request["seed"])
        if key != self.known[0]:
            rung = self.catalog.implementation(request["workload"], REFERENCE)
            reference = Reference(
                self.catalog.load(rung), candidate.spec, self.settings.dtype, self.settings.matmul
            )
            source = digest(own_source(), rung.path.read_bytes())
            self.known = key, Expectations(reference, candidate.point, source, Recall())
        expectations: Expectations = self.known[1]
        return expectations


def _peak_memory() -> int:
    """The most memory that this process has held, in bytes."""
    # Not ru_maxrss: that begins with what the parent held when it started this process.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def failure(error: BaseException) -> Verdict:
    """An exception as a verdict: what it was, in one line, and where in the implementation."""
    if isinstance(error, Unavailable | DataError) or _lacks_a_package(error):
        return Verdict(UNAVAILABLE, _one_line(error))
    text = f"{type(error).__name__}: {_one_line(error)}{_place(error)}"
    # PyTorch, JAX and TensorFlow each have their own class for it.
    exhausted = isinstance(error, MemoryError) or any(
        mark in text for mark in ("OutOfMemoryError", "RESOURCE_EXHAUSTED", "can't allocate memory")
    )
    return Verdict(OUT_OF_MEMORY if exhausted else CRASHED, text)


def _lacks_a_package(error: BaseException) -> bool:
    """Whether something is not installed; a sibling rung that is misspelled is another matter."""
    return isinstance(error, ModuleNotFoundError) and not _ours(error.name or "")


def _ours(module: str) -> bool:
    return module.startswith(("samestep.", "impls_"))


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else "no message"


def _place(error: BaseException) -> str:
    """The last line of an implementation that the error passed through."""
    walked = traceback.walk_tb(error.__traceback__)
    own = [(f.f_code.co_filename, line) for f, line in walked
           if f.f_globals.get("__name__", "").startswith(("samestep.impls.", "impls_"))]  # fmt: skip
    return f" ({Path(own[-1][0]).name}:{own[-1][1]})" if own else ""


def answer(worker: Worker, line: str) -> Answer:
    request = json.loads(line)
    operation: Callable[[Request], Answer] = getattr(worker, request["op"])
    try:
        return {"ok": True, **operation(request)}
    except SamestepError as error:
        return {"ok": False, "usage": str(error), "traceback": traceback.format_exc()}
    except Exception as error:  # whatever an implementation raises is its cell's verdict
        return {"ok": False, "verdict": failure(error).as_dict(), "traceback": traceback.format_exc()}


def main() -> None:
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what frameworks print goes to standard error
    worker = Worker()
    for line in sys.stdin:
        replies.write(json.dumps(answer(worker, line)) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
