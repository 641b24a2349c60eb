"""What a worker finds around it: its variables and processors, and a folder for temporary files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from samestep.workers.environment import changed, environment, inherited, processor_sets, tidy


def test_the_processors_of_workers_side_by_side_are_disjoint(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {4, 1, 2, 7, 9})
    assert processor_sets(1) == [[1], [2], [4], [7], [9]]
    assert processor_sets(2) == [[1, 2], [4, 7]]
    assert processor_sets(5) == [[1, 2, 4, 7, 9]]


def test_a_worker_for_the_cpu_sees_no_gpu_and_caches_are_the_runs_own(tmp_path):
    variables = environment("cpu", 3, tmp_path)
    assert variables["CUDA_VISIBLE_DEVICES"] == "-1"
    assert variables["JAX_PLATFORMS"] == "cpu"
    assert {variables[name] for name in variables if name.endswith("_NUM_THREADS")} == {"3"}
    assert Path(variables["TORCHINDUCTOR_CACHE_DIR"]).is_relative_to(tmp_path)
    assert "CUDA_VISIBLE_DEVICES" not in environment("gpu", 1)
    assert "TORCHINDUCTOR_CACHE_DIR" not in environment("cpu", 1)


STEERING = {
    "OPENBLAS_CORETYPE": "Haswell",  # slower kernels than the processor's own
    "OMP_NUM_THREADS": "7",  # is set anew for a worker
    "CUDA_HOME": "/usr/local/cuda",  # a place
    "CUDA_VISIBLE_DEVICES": "3",  # is set anew for a worker on the CPU only
    "EDITOR": "vi",
    "TF_CLI_CONFIG_FILE": "/home/me/.terraformrc",  # of another program
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "LD_PRELOAD": "/usr/lib/libtcmalloc.so.4:/opt/a/libb.so",
    "XLA_FLAGS": "--xla_cpu_use_thunk_runtime=false --xla_dump_to=/tmp/me/x",
}


def test_what_else_steers_a_worker_is_known(monkeypatch):
    before = inherited("cpu")
    for name, value in STEERING.items():
        monkeypatch.setenv(name, value)
    assert inherited("cpu") == {
        **before,
        "OPENBLAS_CORETYPE": "Haswell",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "LD_PRELOAD": "libtcmalloc.so.4:libb.so",
        "XLA_FLAGS": "--xla_cpu_use_thunk_runtime=false --xla_dump_to=x",
    }
    assert inherited("gpu")["CUDA_VISIBLE_DEVICES"] == "3"


def test_a_variable_that_was_added_removed_or_changed_is_named(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    before = inherited("cpu")
    assert changed(before, "cpu") == []
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    monkeypatch.setenv("XLA_FLAGS", "--xla")
    monkeypatch.delenv("MALLOC_ARENA_MAX")
    assert changed(before, "cpu") == ["MALLOC_ARENA_MAX", "OPENBLAS_CORETYPE", "XLA_FLAGS"]


def test_old_files_are_deleted_and_young_ones_and_folders_kept(tmp_path):
    folder = tmp_path / "deep" / "temporary"
    tidy(folder)
    young, old, inner = folder / "young", folder / "old", folder / "inner"
    young.touch()
    old.touch()
    inner.mkdir()
    for path in (old, inner):
        os.utime(path, (0, 0))
    tidy(folder)
    assert sorted(folder.iterdir()) == [inner, young]


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_that_cannot_be_made_is_no_error(tmp_path, place):
    (tmp_path / "file").touch()
    tidy(tmp_path / place)
    assert not (tmp_path / place).is_dir()
