"""Runs of which something went wrong, made of one that was taken: noisy, unfinished, with a cell that failed.

What is made of a run's documents is documents again, so that troubles can be put together.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from samestep.records.store import Run
from tests.made.runs import REAL, Document, documents, written

#: A run of two processes.
SHORT = REAL.parent / "2026-11-26T19-35-45"

Trouble = Callable[[Sequence[Document]], list[Document]]


def troubled(folder: Path, *troubles: Trouble, workload: str = "two_layer", **profile: object) -> Run:
    """Write what is left of one workload of a committed run after its troubles; ``profile`` is what had been
    asked for beside what it says itself."""
    plan, kept = documents(SHORT)
    plan["cells"] = [cell for cell in plan["cells"] if cell["workload"] == workload]
    kept = [one for one in kept if str(one.get("cell", workload)).startswith(f"{workload}:")]
    groups = {one["arena"] for one in kept if one["kind"] == "sample"}
    kept = [one for one in kept if one["kind"] != "finished" or one["arena"] in groups]
    for trouble in troubles:
        kept = trouble(kept)
    return written(folder, {**plan, "profile": {**plan["profile"], **profile}}, kept)


def scattered(factor: float, seed: int = 0) -> Trouble:
    """Each process takes a time that is off by a lognormal factor, and so does each of its samples."""

    def trouble(kept: Sequence[Document]) -> list[Document]:
        draw, own = random.Random(seed), dict[tuple[str, int], float]()
        spread = abs(factor) ** 0.5
        found = []
        for one in kept:
            if one["kind"] == "sample":
                usual = own.setdefault((one["cell"], one["invocation"]), draw.lognormvariate(0, spread))
                times = usual * draw.lognormvariate(0, spread)
                one = {**one, "seconds": one["seconds"] * times, "disturbed": draw.random() < 0.9}
            found.append(one)
        return found

    return trouble


def beside(name: str, processors: float, looks: int = 6) -> Trouble:
    """Others keep that many processors busy whenever it is looked."""
    foreign = [{"name": name, "share": processors / 2}] if name else []
    look = {
        "schema": 1, "kind": "load", "seconds": 10.0, "processors": 2, "elsewhere": processors,
        "stolen": 0.0, "load": 15.0, "pressure": 0.9, "foreign": foreign,
    }  # fmt: skip
    return lambda kept: [*kept, *([look] * looks)]


def until(invocation: int, turn: int = 0) -> Trouble:
    """The run was killed in a round of an invocation."""

    def over(one: Document) -> bool:
        at = one.get("invocation")
        return at is not None and (at, one.get("round", 0 if one["kind"] != "finished" else turn)) >= (
            invocation, turn,
        )  # fmt: skip

    return lambda kept: [one for one in kept if not over(one)]


def without(implementation: str) -> Trouble:
    """The run never came to an implementation."""
    return lambda kept: [one for one in kept if f"/{implementation}/" not in str(one.get("cell"))]


def untimed(implementation: str) -> Trouble:
    """The run examined an implementation, and did not time it."""
    kinds = ("verdict", "trajectory")
    return lambda kept: [
        one for one in kept
        if f"/{implementation}/" not in str(one.get("cell")) or (one["kind"] in kinds and "checked_in" in one)
    ]  # fmt: skip


def failed(implementation: str, verdict: str = "crashed", reason: str = "signal 11") -> Trouble:
    """An implementation gave no answer."""

    def trouble(kept: Sequence[Document]) -> list[Document]:
        mine = [one["cell"] for one in kept if f"/{implementation}/" in str(one.get("cell"))]
        end = {"schema": 1, "kind": "verdict", "verdict": verdict, "reason": reason}
        return [*without(implementation)(kept), *({**end, "cell": cell} for cell in sorted({*mine}))]

    return trouble
