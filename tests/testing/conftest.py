"""A folder with models in NumPy, in which pytest runs in this process."""

from __future__ import annotations

import pytest

# What runs in this process finds it imported, and leaves it so.
import samestep.testing.agree
import samestep.testing.generators  # noqa: F401

#: What the tests of tests import: a model, the same in other words, and one that is a thousandth off.
MODELS = """
import random

import numpy as np

RNG = np.random.default_rng(0)
W = RNG.standard_normal((8, 4)).astype(np.float32)
X = RNG.standard_normal((5, 8)).astype(np.float32)


def model(x, w=W):
    return np.tanh(x @ w)


def twin(x):
    return np.tanh(np.matmul(x, W))


def other(x):
    return np.tanh(x @ W) * np.float32(1.001)


def without_rule(x):
    return np.linalg.svd(x @ W, compute_uv=False)
"""


class Runner:
    """Runs pytest in this process, in a folder with the models."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(models=MODELS)
        self.pytester = pytester
        self.folder = pytester.path

    def __call__(self, code: str, *arguments: object) -> pytest.RunResult:
        """Write a test file that begins with the models, and run it."""
        self.write(code)
        return self.again(*arguments)

    def write(self, code: str) -> None:
        self.pytester.makepyfile(test_port=f"from models import *\nimport pytest\nimport samestep\n\n{code}")

    def again(self, *arguments: object) -> pytest.RunResult:
        """Run what is there."""
        common = ("-q", "--strict-markers", "-W", "error", "-p", "no:cacheprovider")
        return self.pytester.runpytest_inprocess(*common, *arguments)


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The terminal is not that of a CI service, and spreads are kept in a folder of their own."""
    for name in ("CI", "BUILD_NUMBER", "GITHUB_ACTIONS", "GITHUB_WORKSPACE", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def run(pytester: pytest.Pytester) -> Runner:
    return Runner(pytester)
