"""The mistakes of docs/mistakes that belong to the workloads that train, watched at being found."""

from __future__ import annotations

import numpy as np

from samestep import open_cell
from samestep.agreement.examination.perturbed import perturb
from tests.tutorials.published import check


def test_clipped_probabilities_are_found_where_logits_are_large(need):
    need("torch")
    code, cells = check("autoencoder:denoise", "torch_probabilities_clipped")
    assert code == 1
    for cell in cells:
        assert cell["verdict"] == "disagree"
        assert cell["first_divergence"]["tensor"] == "loss"
        assert cell["first_divergence"]["test"].startswith("probe large_logits")


def test_a_float32_inside_a_float64_optimiser_is_found_in_float64(need):
    need("keras")
    code, (single, double) = check("nn_variants:small", "keras_numbers_as_python_floats")
    assert code == 1
    assert single["verdict"] == "agree"
    assert double["verdict"] == "disagree"
    assert double["first_divergence"]["task"] == "adam_eps_hat_step"


def test_probabilities_stay_probabilities_in_every_variant():
    """A library may refuse what is not a probability, and correct code would be called wrong."""
    for name in ("denoise", "soft_targets"):
        candidate = open_cell(f"autoencoder:{name}/numpy_manual")
        for number in (1, 2, 3):
            variant = perturb(candidate, number)
            y = variant.arrays["y"]
            assert (y >= 0).all()
            assert (y <= 1).all()
            assert (np.sort(y, axis=None) != np.sort(candidate.arrays["y"], axis=None)).any()
