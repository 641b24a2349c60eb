"""Folders and files of the user's own: what is missing, misnamed, replaced or broken is said, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Options
from samestep.catalog.ladder import remarks
from samestep.catalog.roots import IMPLS
from samestep.catalog.selection import select
from samestep.errors import SamestepError
from tests.made.rungs import GOOD, root

FORWARD = '"""forward alone"""\n\nfrom .numpy_manual import adopt, export, forward\n'


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def names(catalog: Catalog, *selectors: str) -> list[str]:
    return [f"{one.workload}/{one.implementation}" for one in select(catalog, selectors, Options())]


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (
            {"readme.txt": ""},
            "{} holds no workload: no folder in it has a spec.py, or the name of",
        ),
        ({"spec.py": ""}, "{} is a workload itself: name the folder that it lies in, {parent}"),
        (
            {"numpy_mine.py": ""},
            "{} holds numpy_mine.py itself: its place is in a folder of",
        ),
        ({"other/tools.py": ""}, "{} holds no workload: "),
        ({"nets/mine/spec.py": ""}, "{} holds no workload itself: they lie in {parent}/mine/nets, name that"),
    ],
)
def test_a_folder_that_holds_nothing_is_an_error(tmp_path, files, line):
    with pytest.raises(SamestepError) as error:
        Catalog([written(tmp_path / "mine", files)])
    there = {"parent": tmp_path}
    assert str(error.value).startswith(line.format(tmp_path / "mine", **there))


def test_a_folder_whose_name_is_nearly_that_of_a_workload_is_told_of(tmp_path):
    catalog = Catalog([written(tmp_path, {"two_layers/numpy_mine.py": FORWARD})])
    with pytest.raises(SamestepError, match=r"two_layers has no spec\.py, .*; did you mean 'two_layer'\?$"):
        names(catalog, *catalog.of_own_folders)
    assert names(catalog, "two_layer:tiny/numpy_manual") == ["two_layer/numpy_manual"]


def test_a_rung_of_a_built_in_name_replaces_it_and_says_so(tmp_path):
    catalog = Catalog([written(tmp_path, {"two_layer/numpy_inplace.py": FORWARD})])
    mine = tmp_path / "two_layer/numpy_inplace.py"
    rungs = {rung.name: rung for rung in catalog.implementations("two_layer")}
    assert rungs["numpy_inplace"].path == mine
    said = f"two_layer/numpy_inplace is {mine}, in the place of samestep's own."
    assert [*remarks(rungs["numpy_inplace"])] == [said]
    assert not [*remarks(rungs["numpy_manual"])]
    module = catalog.load(rungs["numpy_inplace"])
    assert module.forward.__module__.endswith(".two_layer.numpy_manual")


def test_a_reference_that_is_replaced_is_called_the_reference(tmp_path):
    text = (IMPLS / "two_layer/numpy_manual.py").read_text(encoding="utf-8")
    catalog = Catalog([written(tmp_path, {"two_layer/numpy_manual.py": text})])
    (said,) = remarks(catalog.implementation("two_layer", "numpy_manual"))
    assert said.endswith("It is the reference, by which the others are judged.")


@pytest.mark.parametrize(
    ("name", "imported", "framework", "better"),
    [
        ("torch_mine", "import jax", "torch", None),
        ("mine", "import torch", "torch", "torch_mine"),
        ("mine", "import numpy\nimport jax", "jax", "jax_mine"),
        ("my_jax", "import jax", "jax", "jax_my"),
        ("mine", "import os", "mine", None),
    ],
)
def test_the_framework_of_a_file_follows_from_its_name_or_else_from_its_imports(
    tmp_path, name, imported, framework, better
):
    catalog = Catalog([written(tmp_path, {f"two_layer/{name}.py": imported})])
    rung = catalog.implementation("two_layer", name)
    said = f"{rung.path} is taken for {framework}, which it imports: rename it to {better}.py"
    assert rung.framework == framework
    assert [*remarks(rung)] == ([said] if better else [])


def test_a_file_given_by_hand_finds_what_lies_beside_it_and_its_workloads_siblings(tmp_path):
    root(tmp_path / "impls")
    files = {"numpy_mine.py": GOOD + "from ._twice import twice\n", "_twice.py": "twice = 2\n"}
    catalog = Catalog([tmp_path / "impls"])
    module = catalog.load(catalog.describe("rigged", written(tmp_path / "scratch", files) / "numpy_mine.py"))
    assert module.twice == 2
    assert module.train_step.__module__.endswith(".rigged.numpy_manual")


def test_siblings_are_found_across_folders_and_no_two_folders_are_mixed_up(tmp_path):
    root(tmp_path / "a/b")
    one = written(tmp_path / "a_b", {"rigged/numpy_more.py": GOOD, "rigged/numpy_last.py": GOOD})
    catalog = Catalog([tmp_path / "a/b", one])
    module = catalog.load(catalog.implementation("rigged", "numpy_more"))
    assert module.train_step.__module__.endswith(".rigged.numpy_manual")


def test_one_broken_file_takes_down_no_other(tmp_path):
    folder = root(tmp_path, {"numpy_good": GOOD, "numpy_broken": "def adopt(:"})
    written(folder, {"net/spec.py": "SPEC = None\n", "net/numpy_manual.py": GOOD})
    catalog = Catalog([folder])
    assert names(catalog, *catalog.of_own_folders) == ["rigged/numpy_manual", "rigged/numpy_good"]
    told = {name: str(error).removeprefix(f"{folder}/") for name, error in catalog.left_out.items()}
    assert told == {
        "net": "net/spec.py: SPEC is None, expected a samestep.spec.Spec",
        "rigged/numpy_broken": "rigged/numpy_broken.py is not Python: invalid syntax (line 1)",
    }


def test_what_was_not_selected_is_not_told_of(tmp_path):
    folder = root(tmp_path, {"numpy_good": GOOD, "numpy_broken": "def adopt(:"})
    catalog = Catalog([written(folder, {"net/spec.py": "SPEC = None\n"})])
    assert names(catalog, "rigged/numpy_good") == ["rigged/numpy_good"]
    assert not catalog.left_out
    with pytest.raises(SamestepError, match=r"numpy_broken\.py is not Python"):
        names(catalog, "rigged/numpy_broken")
