"""What a rung gave is kept whole for another process, or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samestep.agreement.distance import load_outputs, save_outputs

VALUES, SIGMAS = {"loss": np.arange(5.0)}, {"loss": np.ones(5)}


def test_what_is_kept_comes_back(tmp_path):
    save_outputs(tmp_path / "a" / "cell.npz", VALUES, SIGMAS)
    values, sigmas = load_outputs(tmp_path / "a" / "cell.npz")
    assert np.array_equal(values["loss"], VALUES["loss"])
    assert np.array_equal(sigmas["loss"], SIGMAS["loss"])
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["cell.npz"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_leaves_no_half_of_a_file(tmp_path):
    (tmp_path / "cell.tmp").symlink_to("/dev/full")
    save_outputs(tmp_path / "cell.npz", VALUES, SIGMAS)
    assert not list(tmp_path.iterdir())
