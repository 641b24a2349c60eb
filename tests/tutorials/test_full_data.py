"""On all of MNIST, where it is here: every framework learns what the tutorial prints in its first epoch.

Fashion-MNIST is in tests/tutorials/test_fashion.py.
"""

from __future__ import annotations

from functools import cache

import pytest

from samestep import data
from tests.tutorials.train_epochs import RUNGS, trained


@cache
def lacking(dataset: str) -> str | None:
    """Why a data set cannot be had; None where it is here, every byte right."""
    try:
        data.load(dataset)
    except data.DataMissing as error:
        return str(error)
    return None


@pytest.mark.parametrize("framework", RUNGS)
def test_the_first_epoch_on_mnist_has_the_published_loss(framework, need):
    if reason := lacking("mnist"):
        pytest.skip(reason)
    need(framework)
    (epoch,) = trained(f"mnist_mlp:mnist/{RUNGS[framework]}")
    assert 0.85 <= epoch["mean_loss"] <= 0.95
