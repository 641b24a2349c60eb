"""CPU against GPU, with a device made up for the tests: its arrays are there some time after the call.

A framework ``array`` (samestep looks for a module of that name, and every Python has one) whose GPU computes
each step after the one before it, in a time that is set, while the caller goes on; its adapter waits, or,
where a mistake is planted, does not.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from samestep.analysis.cpu_gpu import curves
from samestep.measure import hardware
from samestep.records.store import Run
from samestep.report import crossovers
from tests.made.command_line import TINY
from tests.made.rungs import SPEC, root, samestep

pytestmark = [pytest.mark.process, pytest.mark.slow]

ADAPTER = '''
"""A device that is as fast as it is told to be."""

import time

import numpy as np

DISTRIBUTIONS = ("numpy",)
queue = {"busy_until": 0.0}  # names of modules that are bound anew would be taken for a patch


class Array:
    """Values that are there from a moment on; ``device`` says where."""

    def __init__(self, value, device, ready=0.0):
        self.value, self.device, self.ready = value, device, ready


def queued(value, device, seconds):
    """The result of work that the device does after what it has to do already."""
    if device == "gpu":
        queue["busy_until"] = max(queue["busy_until"], time.perf_counter()) + seconds
        return Array(value, device, queue["busy_until"])
    time.sleep(seconds)  # it computes nothing, so that a busy machine changes nothing
    return Array(value, device)


def arrays(outputs):
    if isinstance(outputs, Array):
        yield outputs
    elif isinstance(outputs, dict):
        outputs = tuple(outputs.values())
    if isinstance(outputs, (tuple, list)):
        for output in outputs:
            yield from arrays(output)


class Adapter:
    def __init__(self, settings):
        self.device = settings.device
        self.threads = settings.threads

    def asarray(self, array):
        return Array(np.array(array), self.device)

    def to_numpy(self, array):
        if not isinstance(array, Array):
            raise TypeError(f"{type(array).__name__} is not an Array")
        time.sleep(max(0.0, array.ready - time.perf_counter()))
        return np.array(array.value)

    def device_of(self, array):
        return array.device

    def wait(self, outputs):
        for array in arrays(outputs):
            time.sleep(max(0.0, array.ready - time.perf_counter()))

    def matmul(self, a, b):
        return queued(a.value @ b.value, self.device, 0)

    def stopwatch(self):
        return Stopwatch() if self.device == "gpu" else None

    def device_memory(self):
        return 12345678 if self.device == "gpu" else None

    def describe(self):
        return {"versions": {"array": "1.0"}, "threads": self.threads, "matmul": "float32"}


class Stopwatch:
    def start(self):
        self.began = max(queue["busy_until"], time.perf_counter())

    def stop(self):
        self.ended = max(queue["busy_until"], time.perf_counter())

    def seconds(self):
        time.sleep(max(0.0, self.ended - time.perf_counter()))
        return self.ended - self.began
'''

RUNG = '''
"""One matrix on a device that is slow to start and fast to compute."""

import sys

import numpy as np

READ_AFTER = "numpy_manual"
device = sys.modules["samestep.frameworks.array"]


def _seconds(array):
    batch = array.value.shape[0]
    return 3e-3 if array.device == "gpu" else 1.5e-4 * batch


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def loss_and_grads(state, x, y):
    error = x.value @ state["w"].value - y.value
    loss = device.queued(np.square(error).sum(), x.device, _seconds(x))
    return loss, {"w": device.Array(x.value.T @ (2 * error), x.device, loss.ready)}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    moved = state["w"].value - learning_rate * grads["w"].value
    return {"w": device.Array(moved, x.device, loss.ready)}, loss
'''

SIZED = (
    SPEC.replace('Case(numbers={"learning_rate": 1e-3, "steps": 4}, default=True)',
                 'Case(sizes={"batch": 5}, numbers={"learning_rate": 1e-3, "steps": 4}, default=True)')
    .replace('(5, 4)', '(case.sizes.get("batch", 5), 4)').replace('(5, 3)', '(case.sizes.get("batch", 5), 3)')
)  # fmt: skip


def made(folder: Path, adapter: str = ADAPTER, rung: str = RUNG) -> Path:
    impls = root(folder, {"array_manual": rung})
    (impls / "rigged" / "spec.py").write_text(SIZED.lstrip(), encoding="utf-8")
    (impls / "frameworks").mkdir()
    (impls / "frameworks" / "array.py").write_text(adapter.lstrip(), encoding="utf-8")
    return impls


def bench(folder: Path, impls: Path, *more: object) -> tuple[int, Run, dict]:
    asked = ("rigged:small", "--impls", impls, "--out", folder / "out", *TINY, *more)
    done = samestep("bench", *asked, "--device", "cpu", "--device", "gpu", "--json")
    (path,) = (folder / "out").glob("*/*")
    return done.returncode, Run.open(path), json.loads(done.stdout)


def cell(document: dict, device: str, name: str = "array_manual") -> dict:
    (found,) = (
        c
        for c in document["cells"]
        if (c["implementation"], c["device"], c["case"]) == (name, device, "small")
    )
    return found


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> tuple[int, Run, dict]:
    folder = tmp_path_factory.mktemp("swept")
    return bench(folder, made(folder / "impls"), "--sweep", "batch=5,20,80", "--invocations", 2)


def test_where_the_gpu_begins_to_pay_is_found(swept):
    """By construction at a batch of 20: 3 ms on the GPU, 0.15 ms a row on the CPU: sleeps end late."""
    _, run, _ = swept
    found = {curve.of.task: curve for curve in curves(run.plan, run.records())}
    curve = found["loss_and_grads"]
    assert (curve.of.workload, curve.of.case, curve.of.size) == ("rigged", "small", "batch")
    assert sorted(curve.ratios) == [5, 20, 80]
    assert curve.ratios[5].value > 2
    assert curve.ratios[80].value < 1 / 2
    assert 5 < curve.crossing.value < 80
    assert curve.crossing.low <= curve.crossing.value <= curve.crossing.high
    assert all(curve.with_transfer[n] > ratio.value for n, ratio in curve.ratios.items())


def test_the_report_says_it_in_a_sentence(swept):
    _, run, _ = swept
    (sentence,) = (s for s in crossovers.sentences(curves(run.plan, run.records())) if "loss_and_grads" in s)
    assert "the GPU is faster from batch" in sentence
    assert "with the transfer" in sentence


def test_numpy_has_no_gpu_and_says_so(swept):
    code, _, document = swept
    assert code == 0  # nobody named it
    missing = [c for c in document["cells"] if c["implementation"] == "numpy_manual" and c["device"] == "gpu"]
    assert {c["verdict"] for c in missing} == {"unavailable"}
    assert {c["reason"] for c in missing} == {"NumPy computes on the CPU only"}


def test_the_three_times_of_a_sample_and_the_memory_of_the_device(tmp_path):
    _, _, document = bench(tmp_path, made(tmp_path / "impls"))
    gpu, cpu = (
        cell(document, "gpu")["tasks"]["loss_and_grads"],
        cell(document, "cpu")["tasks"]["loss_and_grads"],
    )
    assert gpu["launch_seconds"] < gpu["device_seconds"] <= 2 * gpu["seconds"]
    assert gpu["device_memory_bytes"] == 12345678
    assert (gpu["bound_by"], cpu["bound_by"]) == ("the device", None)
    assert (cpu["device_seconds"], cpu["device_memory_bytes"]) == (None, None)
    assert gpu["to_device_seconds"] > 0


NO_WAIT = ADAPTER.replace("def wait(self, outputs):\n", "def wait(self, outputs):\n        return\n")
NO_CLOCK = NO_WAIT.replace('return Stopwatch() if self.device == "gpu" else None', "return None")
ON_THE_CPU = RUNG.replace("device.Array(moved, x.device,", "device.Array(moved, 'cpu',")
KEPT = (
    RUNG
    + """

known = {}
honest = train_step


def train_step(state, x, y, learning_rate):
    if learning_rate not in known:
        known[learning_rate] = honest(state, x, y, learning_rate)
    return known[learning_rate]
"""
)


@pytest.mark.parametrize(
    ("adapter", "rung", "reason"),
    [
        (NO_WAIT, RUNG, "the wait is missing"),
        (NO_CLOCK, RUNG, "the wait is missing"),
        (ADAPTER, ON_THE_CPU, "lies on the cpu, expected the gpu"),
        (ADAPTER, KEPT, "train_step, step 1"),
    ],
    ids=["no wait", "no wait, no clock on the device", "a tensor of the CPU", "a result that is kept"],
)
def test_a_mistake_in_the_measurement_is_refused(tmp_path, adapter, rung, reason):
    code, _, document = bench(tmp_path, made(tmp_path / "impls", adapter, rung))
    found = cell(document, "gpu")
    assert code == 1
    assert found["verdict"] == ("disagree" if rung is KEPT else "invalid")
    assert reason in found["reason"]
    assert found["tasks"] == {}


class Nvml:
    """Stands for pynvml: a GPU at 1,410 MHz and 61 degrees, with reasons for its clock."""

    NVML_CLOCK_SM = NVML_TEMPERATURE_GPU = 0

    class NVMLError(Exception):
        pass

    def __init__(self, reasons: int, broken: bool = False) -> None:
        self.reasons, self.broken = reasons, broken

    def nvmlInit(self) -> None:  # noqa: N802
        if self.broken:
            raise self.NVMLError

    def __getattr__(self, name: str):
        answers = {"ClockInfo": 1410, "Temperature": 61, "ThrottleReasons": self.reasons}
        return lambda *_: next((answer for end, answer in answers.items() if name.endswith(end)), "handle")


@pytest.mark.parametrize(
    ("reasons", "throttled"), [(0, False), (0x1, False), (0x2, False), (0x4, True), (0x40 | 0x1, True)]
)
def test_a_gpu_that_lowers_its_own_clock_says_so(monkeypatch, reasons, throttled):
    monkeypatch.setattr(hardware, "NVML", None)  # this process itself is a library that is there
    monkeypatch.setitem(sys.modules, "pynvml", Nvml(reasons))
    assert hardware.gpu_state() == hardware.GpuState(1410, 61, throttled)


def test_without_a_driver_there_is_no_state(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", Nvml(0, broken=True))
    assert hardware.gpu_state() is None
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert hardware.gpu_state() is None
