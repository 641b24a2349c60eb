"""``samestep new``, and a folder of one's own as a user gives it to ``samestep check``."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from samestep.commands.new import TEMPLATES, write_workload
from samestep.errors import SamestepError
from samestep.spec import Case, Inputs, Spec, Task
from tests.made.places import CHECKOUT
from tests.made.rungs import GOOD, root, samestep

pytestmark = pytest.mark.process


def verdicts(done) -> dict[str, str]:
    return {one["implementation"]: one["verdict"] for one in json.loads(done.stdout)["cells"]}


@pytest.mark.slow
def test_a_new_workload_passes_as_it_stands(tmp_path, catalog):
    made = samestep("new", tmp_path / "mine", "--workload")
    assert made.returncode == 0
    assert [line.rpartition("/mine/")[2] for line in made.stdout.splitlines()] == [
        "jax_grad.py", "numpy_manual.py", "spec.py", "tensorflow_function.py", "torch_autograd.py",
    ]  # fmt: skip
    done = samestep("check", "--impls", tmp_path / "mine", "--json", "--dtype", "float32")
    assert done.returncode == 0, done.stderr
    missing = {name for name in ("jax", "tensorflow", "torch") if catalog.missing(name)}
    for name, verdict in verdicts(done).items():
        assert verdict == ("unavailable" if name.split("_")[0] in missing else "agree")


def test_the_new_spec_explains_every_field_and_stands_in_the_documents():
    text = (TEMPLATES / "spec.txt").read_text(encoding="utf-8")
    for kind in (Spec, Case, Inputs):
        for field in fields(kind):
            assert f"{field.name}=" in text, field.name
    assert all(f"{field.name}=" in text for field in fields(Task))
    document = (CHECKOUT / "docs/adding_a_rung.md").read_text(encoding="utf-8")
    assert text.replace("@NAME@", "mine") in document


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("two_layer", "is one of samestep's own workloads"),
        ("a b", "is not a name"),
        ("mine", "exists already"),
    ],
)
def test_a_name_that_cannot_be_had_is_one_line(tmp_path, name, line):
    (tmp_path / "mine/mine").mkdir(parents=True)
    with pytest.raises(SamestepError, match=line):
        write_workload(tmp_path / name)


def test_a_rung_is_examined_in_the_tasks_that_it_offers_and_a_broken_one_makes_2_of_the_exit_code(tmp_path):
    header = GOOD.partition("from")[0]
    some = {
        "numpy_gradients": header + "from .numpy_manual import adopt, export, loss_and_grads\n",
        "numpy_wrong": header + "from .numpy_manual import adopt, export, loss_and_grads as right\n\n\n"
        "def loss_and_grads(state, x, y):\n    return right(state, 2 * x, y)\n",
        "numpy_broken": "def adopt(:",
    }
    done = samestep("check", "--impls", root(tmp_path, some), "--json", "--dtype", "float32")
    assert done.returncode == 2
    assert "not Python: invalid syntax (line 1); rigged/numpy_broken is left out\n" in done.stderr
    found = verdicts(done)
    assert found == {"numpy_manual": "agree", "numpy_gradients": "agree", "numpy_wrong": "disagree"}
    cells = {one["implementation"]: one for one in json.loads(done.stdout)["cells"]}
    assert cells["numpy_gradients"]["notes"] == ["offers no training task: examined in loss_and_grads alone"]


def test_the_hints_of_list_keep_the_folder(tmp_path):
    shown = samestep("list", "--impls", root(tmp_path)).stdout
    hints = shown.partition("\nnext\n")[2].splitlines()
    assert len(hints) == 5
    assert all(f" --impls {tmp_path}" in hint for hint in hints)
    assert "samestep check rigged " in hints[1]
