"""A new rung is one file, a new workload one folder, a new framework one adapter: the harness stays as it is.

Everything is made up in a temporary folder and found through ``--impls``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.made.places import CHECKOUT

pytestmark = pytest.mark.process

SPEC = '''
    """line: y_pred = x @ w, half the sum of squares."""

    import numpy as np

    from samestep.spec import Case, Inputs, Spec, Task


    def make_inputs(case, rng, dataset):
        rows, columns = case.sizes["rows"], case.sizes["columns"]
        return Inputs(
            params={"w": rng.standard_normal((columns, 1))},
            arrays={"x": rng.standard_normal((rows, columns)), "y": rng.standard_normal((rows, 1))},
        )


    def flops(case):
        return 4.0 * case.sizes["rows"] * case.sizes["columns"]


    SPEC = Spec(
        summary="y_pred = x @ w",
        cases={"small": Case(sizes={"rows": 6, "columns": 3}, numbers={"learning_rate": 0.1}, default=True)},
        tasks={
            "loss_and_grads": Task(("x", "y"), ("loss", "grads"), flops),
            "train_step": Task(("x", "y", "learning_rate"), ("state", "loss"), flops),
        },
        make_inputs=make_inputs,
    )
'''

NUMPY_RUNG = '''
    """NumPy, by hand: the reference."""

    READ_AFTER = None


    def adopt(params):
        return dict(params)


    def export(state):
        return dict(state)


    def loss_and_grads(state, x, y):
        error = x @ state["w"] - y
        return (0.5 * error * error).sum(), {"w": x.T @ error}


    def train_step(state, x, y, learning_rate):
        loss, grads = loss_and_grads(state, x, y)
        return {"w": state["w"] - learning_rate * grads["w"]}, loss
'''

# A framework whose arrays are nobody else's: the harness sees them through its adapter only.
PACKAGE = '''
    """pocket: arrays in a pocket."""

    __version__ = "0.1"


    class Pocket:
        def __init__(self, kept):
            self.kept = kept

        def __matmul__(self, other):
            return Pocket(self.kept @ other.kept)

        def __sub__(self, other):
            return Pocket(self.kept - other.kept)

        def __mul__(self, other):
            return Pocket(self.kept * getattr(other, "kept", other))

        __rmul__ = __mul__

        @property
        def T(self):
            return Pocket(self.kept.T)

        def sum(self):
            return Pocket(self.kept.sum())
'''

ADAPTER = '''
    """pocket: arrays in a pocket."""

    import numpy as np
    import pocket

    DISTRIBUTIONS = ("pocket",)


    class Adapter:
        def __init__(self, settings):
            self.settings = settings

        def asarray(self, array):
            return pocket.Pocket(array.copy())

        def to_numpy(self, array):
            if not isinstance(array, pocket.Pocket):
                raise TypeError(f"{type(array).__name__} is not a Pocket")
            return np.array(array.kept)

        def device_of(self, array):
            return "cpu"

        def wait(self, outputs):
            pass

        def matmul(self, a, b):
            return a @ b

        def describe(self):
            return {"versions": {"pocket": pocket.__version__}, "threads": 1}
'''


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text).lstrip(), encoding="utf-8")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A folder with a workload `line` of its own, and a package on the way to a framework."""
    write(tmp_path / "impls/line/spec.py", SPEC)
    write(tmp_path / "impls/line/numpy_manual.py", NUMPY_RUNG)
    write(tmp_path / "packages/pocket.py", PACKAGE)
    return tmp_path


def samestep(world: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line from elsewhere, with the made-up packages importable."""
    command = [sys.executable, "-m", "samestep", *words, "--impls", str(world / "impls"), "--json"]
    paths = os.pathsep.join([str(CHECKOUT), str(world / "packages")])
    return subprocess.run(
        command,
        cwd=world,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[tuple[str, str], str]:
    assert done.stdout, done.stderr
    return {(c["implementation"], c["dtype"]): c["verdict"] for c in json.loads(done.stdout)["cells"]}


def test_a_new_workload_is_one_folder(world):
    done = samestep(world, "check", "line")
    assert verdicts(done) == {("numpy_manual", "float32"): "agree", ("numpy_manual", "float64"): "agree"}
    assert done.returncode == 0


def test_a_new_framework_is_one_adapter(world):
    write(world / "impls/frameworks/pocket.py", ADAPTER)
    write(world / "impls/line/pocket_manual.py", NUMPY_RUNG.replace("None", '"numpy_manual"'))
    done = samestep(world, "check", "line/pocket_manual")
    assert verdicts(done) == {("pocket_manual", "float32"): "agree", ("pocket_manual", "float64"): "agree"}
    assert done.returncode == 0

    listed = json.loads(samestep(world, "list", "line").stdout)
    rungs = {rung["implementation"]: rung for rung in listed["implementations"]}
    assert list(rungs) == ["numpy_manual", "pocket_manual"]
    assert rungs["pocket_manual"]["framework"] == "pocket"
    assert rungs["pocket_manual"]["tasks"] == ["loss_and_grads", "train_step"]
    assert rungs["pocket_manual"]["available"]
    assert {row["framework"]: row["available"] for row in listed["frameworks"]}["pocket"]


def test_a_mistake_in_a_new_framework_is_seen(world):
    write(world / "impls/frameworks/pocket.py", ADAPTER)
    write(world / "impls/line/pocket_wrong.py", NUMPY_RUNG.replace("x.T @ error", "2 * (x.T @ error)"))
    done = samestep(world, "check", "line/pocket_wrong")
    assert set(verdicts(done).values()) == {"disagree"}
    assert done.returncode == 1


def test_a_framework_that_is_not_installed_is_listed_with_the_way_to_it(world):
    write(world / "impls/frameworks/pouch.py", ADAPTER.replace("pocket", "pouch"))
    write(world / "impls/line/pouch_manual.py", NUMPY_RUNG)
    listed = json.loads(samestep(world, "list", "line").stdout)
    (rung,) = (rung for rung in listed["implementations"] if rung["framework"] == "pouch")
    assert not rung["available"]
    assert rung["reason"] == "pouch is not installed: python -m pip install pouch"


def test_a_new_rung_of_a_workload_that_is_there_is_one_file(world):
    write(
        world / "impls/two_layer/numpy_again.py",
        '''
        """NumPy, once more: a rung that takes all but one function from its sibling."""

        from .numpy_manual import adopt, export, forward, loss_and_grads, train_step

        READ_AFTER = "numpy_manual"
        __all__ = ["adopt", "export", "forward", "loss_and_grads", "train_step"]
        ''',
    )
    done = samestep(world, "check", "two_layer:tiny/numpy_again")
    assert verdicts(done) == {("numpy_again", "float32"): "agree", ("numpy_again", "float64"): "agree"}
    assert done.returncode == 0
