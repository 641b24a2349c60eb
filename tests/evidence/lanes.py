"""Processes side by side for the evidence: one framework in one dtype each, rows of JSON out.

A script runs itself again with ``--lane``; a lane examines in its own process, as a worker does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.examine import examine
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.run import Reference
from samestep.agreement.reference.spread_cache import SpreadCache
from samestep.agreement.verdict import Verdict
from samestep.catalog.catalog import REFERENCE, Catalog
from samestep.data import load
from samestep.frameworks import Settings
from samestep.measure.machine import fingerprint
from samestep.workers.environment import environment, processor_sets
from samestep.workers.failures import failure
from tests.made.places import CHECKOUT

OUT, MEASURING = CHECKOUT / "results" / "agreement", CHECKOUT / "results" / "measuring"
#: Spreads are shared by all lanes of a campaign, and gone with it.
LARGEST_BYTES = 2**35
Row = dict[str, Any]


def run_lanes(
    script: str, lanes: Sequence[Sequence[str]], heard: Callable[[Row], None], spreads: Path | None = None
) -> None:
    """Each lane's rows as they come, as many lanes at a time as there are processors.

    ``spreads`` is a folder where they are kept for further calls.
    """
    sets = processor_sets(1)
    with tempfile.TemporaryDirectory() as cache:

        def run(number: int) -> None:
            variables = {**os.environ, **environment("cpu", 1, Path(cache)), "PYTHONPATH": str(CHECKOUT)}
            variables["SAMESTEP_CACHE"] = str(spreads or cache)
            command = [sys.executable, "-W", "ignore", script, "--lane", *lanes[number]]
            with subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=variables,
                text=True,
                cwd=CHECKOUT,
            ) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    if line.startswith("{"):
                        heard(json.loads(line))
            if process.returncode:
                raise RuntimeError(f"lane {' '.join(lanes[number])} ended with {process.returncode}")

        with ThreadPoolExecutor(len(sets)) as pool:
            for done in [pool.submit(run, number) for number in range(len(lanes))]:
                done.result()


class Lane:
    """One framework in one dtype, and the expectations of every case and seed."""

    def __init__(self, framework: str, dtype: str) -> None:
        self.catalog = Catalog()
        self.settings = Settings(dtype=dtype)
        self.adapter = self.catalog.load_adapter(framework).Adapter(self.settings)
        self.known: dict[tuple[str, str, int], Expectations] = {}

    def candidate(self, workload: str, case: str, module: ModuleType, seed: int) -> Candidate:
        spec = self.catalog.spec(workload)
        about = spec.cases[case]
        dataset = load(about.dataset) if about.dataset else None
        inputs = spec.make_inputs(about, np.random.default_rng(seed), dataset)
        return Candidate(module, self.adapter, self.settings, spec, about, inputs)

    def expectations(self, candidate: Candidate, workload: str, case: str, seed: int) -> Expectations:
        key = workload, case, seed
        if key not in self.known:
            rung = self.catalog.implementation(workload, REFERENCE)
            reference = Reference(self.catalog.load(rung), candidate.spec, self.settings.dtype)
            self.known[key] = Expectations(reference, candidate.point, f"{key}", SpreadCache(LARGEST_BYTES))
        return self.known[key]

    def examined(self, candidate: Candidate, expectations: Expectations) -> Verdict:
        """As a worker does it: what an implementation raises is its verdict."""
        try:
            return examine(candidate, expectations)
        except Exception as error:
            return failure(error)

    def forget(self) -> None:
        self.known.clear()


def say(row: Row) -> None:
    print(json.dumps(row), flush=True)


def cases(catalog: Catalog) -> Iterator[tuple[str, str]]:
    for workload in catalog.workloads:
        for name, case in catalog.spec(workload).cases.items():
            if case.default:
                yield workload, name


def machine() -> str:
    """This machine and the frameworks that took part, in a line."""
    about, catalog = fingerprint(), Catalog()
    names = ("numpy", "torch", "tensorflow", "jax", "keras", "sklearn", "sympy")
    versions = ", ".join(f"{name} {catalog.version(name)}" for name in names if not catalog.missing(name))
    return f"{about.cpu} ({about.processors} processors; {versions})"
