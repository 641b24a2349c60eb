"""autoencoder: the curve falls in every rung as it does in the tutorial, which nobody can start alike."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from samestep import open_cell
from samestep.agreement.examination.tensor_check import Place
from tests.tutorials.published import PUBLISHED, framework_of
from tests.tutorials.training import Trained, rungs

ASK = ("denoise", "train", 10)
PRINTED = [float(loss) for loss in PUBLISHED["autoencoder_5_3_5"]["tutorial_prints"]]
SEEDS = 100
trained = Trained("autoencoder", ASK)


@cache
def band() -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest loss of each epoch, over the reference's curves from many seeds."""
    curves = []
    for seed in range(SEEDS):
        candidate = open_cell("autoencoder:denoise/numpy_manual", dtype="float64", seed=seed)
        losses, _ = candidate.run(Place(0, "train"), candidate.adopt(candidate.params))
        curves.append(losses["losses"])
    return np.min(curves, axis=0), np.max(curves, axis=0)


def test_the_prints_lie_among_the_curves_of_many_seeds():
    low, high = band()
    assert len(PRINTED) == len(low)
    assert (low < PRINTED).all()
    assert (high > PRINTED).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rung", rungs("autoencoder"))
def test_the_curve_falls_at_every_epoch_and_stays_in_the_band(rung, dtype, need):
    need(framework_of(rung))
    losses = trained(rung, dtype, *ASK)["losses"]
    low, high = band()
    assert (np.diff(losses) < 0).all()
    rounded = np.array([low, losses, high]).astype(np.float32)  # seed 0 is one of the band's own
    assert (rounded[0] <= rounded[1]).all()
    assert (rounded[1] <= rounded[2]).all()


@pytest.mark.parametrize("rung", rungs("autoencoder"))
def test_the_curve_is_the_reference_s_to_the_printed_digits(rung, need):
    need(framework_of(rung))
    mine, reference = (trained(name, "float64", *ASK)["losses"] for name in (rung, "numpy_manual"))
    assert [f"{loss:.4f}" for loss in mine] == [f"{loss:.4f}" for loss in reference]
