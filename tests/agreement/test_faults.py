"""The planted faults themselves: each patch matches its rung once, and a part of them is planted here."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest

from samestep.catalog.catalog import Catalog
from tests.evidence.fault_outcomes import CASES, FAULTS
from tests.made.places import CHECKOUT
from tests.made.planting import planted

pytestmark = [pytest.mark.process, pytest.mark.slow]

CATALOG = Catalog()


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_every_patch_matches_once(fault, tmp_path):
    assert fault.changes
    for rung, changes in fault.changes.items():
        file = planted(tmp_path, CATALOG.implementation(fault.workload, rung).path, changes)
        ast.parse(file.read_text(encoding="utf-8"))


def test_there_are_faults_enough():
    names = {workload: [f for f in FAULTS if f.workload == workload] for workload in CASES}
    assert len(names["two_layer"]) >= 60
    assert len(names["mnist_mlp"]) >= 40
    assert len({(f.workload, f.name) for f in FAULTS}) == len(FAULTS)
    text = json.dumps([[f.name, *f.tensors] for f in names["mnist_mlp"]])
    assert "momentum" in text
    assert "adam" in text.lower()


@pytest.mark.parametrize("framework", ["numpy", "jax"])  # the command goes through all of them
def test_the_matrix_is_made_by_one_command(framework, tmp_path, need):
    need(framework)
    asked = ("--workload", "two_layer", "--framework", framework, "--seeds", "1", "--few", "1",
             "--every", "36", "--out", str(tmp_path))  # fmt: skip
    command = [sys.executable, "-m", "tests.evidence.fault_matrix", *asked]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=False)
    assert done.returncode == 0, done.stderr
    assert "Every fault is caught on every seed." in (tmp_path / "faults-two_layer.md").read_text()
