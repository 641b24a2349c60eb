"""Norms: their eps, their variance, and what their running statistics are."""

from __future__ import annotations

import numpy as np

from samestep.conventions.ports.pitfall import Arrays, Pitfall, normal

TITLE = "Normalisation"
NOTE = "An eps shows where variances are small: the inputs of these have standard deviation 0.02."

TORCH_LAYER_NORM = "https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html"
TORCH_GROUP_NORM = "https://docs.pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html"
TORCH_BATCH_NORM = "https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html"
TORCH_RMS_NORM = "https://docs.pytorch.org/docs/stable/generated/torch.nn.RMSNorm.html"
KERAS_LAYER_NORM = "https://keras.io/api/layers/normalization_layers/layer_normalization/"
KERAS_BATCH_NORM = "https://keras.io/api/layers/normalization_layers/batch_normalization/"
FLAX_NORMS = "https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/layers.html"


def small(random: np.random.Generator) -> Arrays:
    """Return rows of eight features with standard deviation 0.02."""
    return {"x": 0.02 * random.standard_normal((4, 8))}


def small_image(random: np.random.Generator) -> Arrays:
    """Return images of four channels with standard deviation 0.02."""
    return {"x": 0.02 * random.standard_normal((2, 4, 3, 3))}


def with_statistics(random: np.random.Generator) -> Arrays:
    """Return rows of eight features, and running statistics of small variance."""
    return {
        "x": 0.02 * random.standard_normal((4, 8)),
        "mean": 0.02 * random.standard_normal(8),
        "variance": 0.0004 * random.uniform(0.5, 1.5, 8),
    }


def far_from_zero(random: np.random.Generator) -> Arrays:
    """Return rows of eight features around 1000."""
    return {"x": 1000 + random.standard_normal((4, 8))}


PITFALLS = (
    Pitfall(
        "layer_norm_eps",
        "LayerNorm's eps",
        (
            "LayerNorm differs", "off by a little where activations are small", "LayerNorm eps default",
            "the first layers of a transformer agree, later ones drift",
            "LayerNormalization and LayerNorm differ",
        ),
        "The default eps is 1e-5 in PyTorch, 1e-6 in Flax, 1e-3 in Keras; BERT was trained with 1e-12 and "
        "vision transformers with 1e-6, so take it from the model's config. All divide by the biased "
        "variance, with eps inside the root.",
        "PyTorch's nn.LayerNorm(8)",
        small,
        kinds=("layer_norm: eps",),
        said="eps 1e-6 where the reference has 1e-5",
        links={"torch": TORCH_LAYER_NORM, "jax": FLAX_NORMS, "keras": KERAS_LAYER_NORM},
    ),
    Pitfall(
        "one_pass_variance",
        "LayerNorm far from zero",
        (
            "LayerNorm is inaccurate", "Flax LayerNorm off at large means",
            "verdict weaker: one-pass variance",
            "NaN in LayerNorm in half precision",
        ),
        "Flax's norms compute the variance as E[x^2] - E[x]^2 (use_fast_variance=True), which cancels "
        "where the mean is far larger than the deviation. It is the same function in weaker arithmetic: "
        "1000 to 1 loses most of float32's digits.",
        "PyTorch's nn.LayerNorm(8), on inputs of mean 1000",
        far_from_zero,
        kinds=("one-pass",),
        links={"jax": FLAX_NORMS},
    ),
    Pitfall(
        "batch_norm_eps",
        "BatchNorm's eps",
        (
            "BatchNorm differs in eval mode", "inference differs after loading weights",
            "BatchNormalization and BatchNorm2d differ", "pretrained ResNet is off by a little",
        ),
        "The default eps is 1e-5 in PyTorch and Flax, 1e-3 in Keras. It is no weight, so it is not in a "
        "checkpoint: set it where the model is built.",
        "PyTorch's nn.BatchNorm1d(8), in eval mode",
        with_statistics,
        kinds=("batch_norm: eps",),
        links={"torch": TORCH_BATCH_NORM, "keras": KERAS_BATCH_NORM},
    ),
    Pitfall(
        "batch_norm_running",
        "BatchNorm's running variance: momentum, and biased or not",
        (
            "running_var differs", "moving_variance does not match",
            "BatchNorm agrees in training and not in eval",
            "momentum 0.1 and 0.99", "running statistics drift apart",
        ),
        "PyTorch's momentum 0.1 is the share of the new batch; Keras's and Flax's 0.99 that of the old "
        "value: one is 1 minus the other, and the defaults are different rates. And PyTorch keeps the "
        "variance with n - 1, Keras and Flax with n; no setting changes that, so correct it, or accept n / "
        "(n - 1) where n, the number of values of a channel in a batch, is large.",
        "PyTorch's nn.BatchNorm1d(8): the running variance after one batch, from 1",
        normal(x=(6, 8)),
        kinds=("running variance", "momentum"),
        links={"torch": TORCH_BATCH_NORM, "keras": KERAS_BATCH_NORM},
    ),
    Pitfall(
        "group_norm_eps",
        "GroupNorm's eps and groups",
        (
            "GroupNorm differs", "GroupNormalization does not match", "diffusion U-Net is off by a little",
            "GroupNorm eps default",
        ),
        "The default eps is 1e-5 in PyTorch, 1e-6 in Flax, 1e-3 in Keras. The groups are the same: "
        "neighbouring channels. Without a number Flax and Keras make 32 groups, and PyTorch wants one.",
        "PyTorch's nn.GroupNorm(2, 4)",
        small_image,
        kinds=("group_norm: eps",),
        links={"torch": TORCH_GROUP_NORM, "jax": FLAX_NORMS},
    ),
    Pitfall(
        "rms_norm_eps",
        "RMSNorm's eps",
        (
            "RMSNorm differs", "Llama port is off by a little",
            "nn.RMSNorm and RMSNormalization do not match",
        ),
        "eps stands inside the root everywhere: x / sqrt(mean(x^2) + eps). PyTorch's default is None, "
        "which means the dtype's machine epsilon, 1.2e-7 in float32 and 7.8e-3 in bfloat16; Flax and Keras "
        "have 1e-6, Llama 1e-5 or 1e-6. Always write it out.",
        "Llama's: eps 1e-6 inside the root",
        lambda random: {"x": 0.002 * random.standard_normal((4, 8))},
        kinds=("rms_norm: eps",),
        links={"torch": TORCH_RMS_NORM},
    ),
    Pitfall(
        "unit_length",
        "Dividing by the length: where eps stands",
        (
            "F.normalize and tf.math.l2_normalize do not match", "l2 normalisation differs",
            "embeddings, contrastive loss or cosine similarity differ for small vectors",
        ),
        "PyTorch divides by max(length, 1e-12), TensorFlow by sqrt(max(length^2, 1e-12)), so by at least "
        "1e-6; Keras's ops.normalize by max(length, 1e-7). It shows for vectors shorter than that.",
        "PyTorch's F.normalize, on vectors of length 1e-7",
        lambda random: {"x": 3e-8 * random.standard_normal((4, 8))},
    ),
)  # fmt: skip
