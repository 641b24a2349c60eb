"""nn_variants: 900 steps of each optimiser end where the tutorials, which drew other numbers, end too."""

from __future__ import annotations

import pytest

from tests.tutorials.published import PUBLISHED, framework_of
from tests.tutorials.training import Trained, rungs

PRINTED = PUBLISHED["nn_variants"]
RUNS = {
    "sgd_1e-6": ("tutorial", "train", 901),
    # With an eps of 1e-8 both go the same way: each is asked for the first of the two that it has.
    "adam_1e-6": ("tutorial", "adam_step or adam_eps_hat_step", 901),
    "module_sgd_1e-4": ("tutorial_module", "train", 901),
}
ENDS = [(name, ask, rung) for name, ask in RUNS.items() for rung in rungs("nn_variants", ask[1])]

trained = Trained("nn_variants", *RUNS.values())


def inside(loss: float, band: list) -> bool:
    low, high = map(float, band)
    return low <= loss <= high


@pytest.mark.parametrize("name", RUNS)
def test_the_prints_lie_in_the_bands(name):
    for step, band in PRINTED["bands"][name].items():
        assert inside(float(PRINTED[name][step]), band)


@pytest.mark.parametrize(("name", "ask", "rung"), ENDS)
def test_every_rung_ends_in_the_band(name, ask, rung, need):
    need(framework_of(rung))
    losses = trained(rung, "float32", *ask)["losses"]
    for step, band in PRINTED["bands"][name].items():
        assert inside(losses[int(step)], band), losses[int(step)]


def test_the_bands_tell_the_rates_apart():
    """Adam's step hardly knows the rate of SGD: its band may overlap."""
    slow, fast = (
        trained("numpy_manual", "float32", *RUNS[name])["losses"][900]
        for name in ("sgd_1e-6", "module_sgd_1e-4")
    )
    assert not inside(slow, PRINTED["bands"]["module_sgd_1e-4"]["900"])
    assert not inside(fast, PRINTED["bands"]["sgd_1e-6"]["900"])
