"""Keras's three backends against each other: native runs and engines, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from samestep.agreement.arithmetic.program import DOUBLE_SCALE
from samestep.agreement.limits import elementwise_limit
from tests.made.places import CHECKOUT

for framework in ("keras", "jax", "torch", "tensorflow"):
    pytest.importorskip(framework)

BACKENDS = ("tensorflow", "torch", "jax")
LIMIT = elementwise_limit(24)
pytestmark = [pytest.mark.process, pytest.mark.slow]


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """What each backend computes: got, exact and sigma of every tensor, by case and key."""
    folder = tmp_path_factory.mktemp("backends")
    path = os.pathsep.join([str(CHECKOUT / "harness"), str(CHECKOUT)])
    running = {}
    for backend in BACKENDS:
        environment = {
            **os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": path, "OMP_NUM_THREADS": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "",
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.models.keras.backend_report", str(folder / f"{backend}.npz")]
        running[backend] = subprocess.Popen(
            command,
            env=environment,
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    found = {}
    for backend, process in running.items():
        output, _ = process.communicate()
        assert process.returncode == 0, f"{backend}: {output[-3000:]}"
        with np.load(folder / f"{backend}.npz") as arrays:
            found[backend] = dict(arrays)
    return found


def tensors(report, what):
    return {name.partition("|")[2]: x for name, x in report.items() if name.startswith(f"{what}|")}


def test_layers_and_tensors_have_the_same_names_on_every_backend(reports):
    names = [set(report) for report in reports.values()]
    assert names[0] == names[1] == names[2]
    layers = [tensors(report, "layers") for report in reports.values()]
    for case in layers[0]:
        assert list(layers[0][case]) == list(layers[1][case]) == list(layers[2][case])
    assert list(layers[0]["conv_net"]) == [
        "Conv2D conv", "BatchNormalization norm", "ReLU relu", "MaxPooling2D pool", "Scaled scaled",
        "Flatten flat", "Dense head",
    ]  # fmt: skip


@pytest.mark.parametrize("other", BACKENDS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_run_is_within_the_limits_of_every_program(reports, backend, other):
    exact, sigma = tensors(reports[other], "exact"), tensors(reports[other], "sigma")
    got, own = tensors(reports[backend], "got"), tensors(reports[backend], "sigma")
    assert len(got) > 100
    for name, value in got.items():
        limit = LIMIT * np.hypot(sigma[name], own[name])
        assert np.all(np.abs(value - exact[name]) <= limit), name


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_engines_compute_the_same_function_but_for_what_literals_owe(reports, backend):
    exact, sigma, owed = (tensors(reports["jax"], what) for what in ("exact", "sigma", "owed"))
    other, own, its = (tensors(reports[backend], what) for what in ("exact", "sigma", "owed"))
    for name, value in exact.items():
        limit = LIMIT * np.hypot(sigma[name], own[name]) * DOUBLE_SCALE + owed[name] + its[name]
        assert np.all(np.abs(value - other[name]) <= limit), name
