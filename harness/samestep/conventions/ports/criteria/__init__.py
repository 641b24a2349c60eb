"""Losses: what is averaged, what is left out, and factors that differ."""

from __future__ import annotations

import numpy as np

from samestep.conventions.ports.pitfall import Arrays, Pitfall, normal

TITLE = "Losses"
NOTE = "JAX's are optax's. A loss that differs by a constant factor trains like another learning rate."

TORCH_CROSS_ENTROPY = "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html"
TORCH_KL = "https://docs.pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html"
TORCH_SMOOTH_L1 = "https://docs.pytorch.org/docs/stable/generated/torch.nn.SmoothL1Loss.html"
OPTAX_LOSSES = "https://optax.readthedocs.io/en/latest/api/losses.html"
KERAS_PROBABILISTIC = "https://keras.io/api/losses/probabilistic_losses/"
KERAS_REGRESSION = "https://keras.io/api/losses/regression_losses/"


def with_labels(random: np.random.Generator) -> Arrays:
    """Return logits of twelve rows and three classes, and labels."""
    return {"logits": random.standard_normal((12, 3)), "labels": random.integers(0, 3, 12)}


def distributions(random: np.random.Generator) -> Arrays:
    """Return two distributions over five outcomes, for each of four rows."""
    raw = np.exp(random.standard_normal((2, 4, 5)))
    p, q = raw / raw.sum(axis=-1, keepdims=True)
    return {"p": p, "q": q}


PITFALLS = (
    Pitfall(
        "from_logits",
        "Logits or probabilities",
        (
            "cross entropy differs", "loss is too large at the start and hardly falls", "from_logits",
            "softmax applied twice", "CrossEntropyLoss and SparseCategoricalCrossentropy do not match",
        ),
        "PyTorch's CrossEntropyLoss takes logits and applies log_softmax itself: a softmax before it is "
        "one too many. Keras's losses take probabilities unless from_logits=True. optax and tf.nn say it "
        "in the name.",
        "PyTorch's nn.CrossEntropyLoss of logits",
        with_labels,
        kinds=("probabilities",),
        links={"torch": TORCH_CROSS_ENTROPY, "keras": KERAS_PROBABILISTIC, "jax": OPTAX_LOSSES},
    ),
    Pitfall(
        "ignored_labels",
        "Labels that do not count",
        (
            "loss differs by a constant factor with padding", "ignore_index", "language model loss differs",
            "padding tokens in the loss", "loss depends on how much padding there is",
        ),
        "PyTorch leaves rows with ignore_index (-100 by default) out of the sum and of the number that it "
        "divides by, and Keras's ignore_class does so too; with sample weights of 0 Keras still divides by "
        "all rows. In optax and TensorFlow multiply by the mask, and divide by its sum.",
        "PyTorch's nn.CrossEntropyLoss(ignore_index=0)",
        with_labels,
        kinds=("ignored",),
        links={"torch": TORCH_CROSS_ENTROPY, "keras": KERAS_PROBABILISTIC},
    ),
    Pitfall(
        "class_weights",
        "Class weights",
        (
            "weighted cross entropy differs by a constant factor", "class_weight and weight do not match",
            "imbalanced classes, loss differs",
        ),
        "PyTorch divides by the sum of the weights of the rows, not by their number. The others divide by "
        "the number of rows: Keras's sample weights with reduction='mean_with_sample_weight' do as PyTorch "
        "does.",
        "PyTorch's nn.CrossEntropyLoss(weight=[1, 2, 4])",
        with_labels,
        links={"torch": TORCH_CROSS_ENTROPY},
    ),
    Pitfall(
        "squared_error",
        "Mean squared error, with and without the half",
        (
            "loss differs by a constant factor", "loss is half as large", "MSE differs", "l2_loss",
            "gradients differ by a factor of 2",
        ),
        "optax.l2_loss is half the square, element by element; tf.nn.l2_loss half the sum of all squares. "
        "PyTorch's MSELoss and Keras's MeanSquaredError are the mean over all elements, without a half.",
        "PyTorch's nn.MSELoss()",
        normal(x=(4, 5), y=(4, 5)),
        links={"jax": OPTAX_LOSSES, "keras": KERAS_REGRESSION},
    ),
    Pitfall(
        "smooth_l1",
        "Huber and smooth L1",
        (
            "Huber loss differs by a constant factor", "SmoothL1Loss and Huber do not match",
            "box regression loss of a detector differs", "DQN loss differs",
        ),
        "Smooth L1 is the Huber loss divided by its delta, which PyTorch calls beta. With 1, the default "
        "of both, they are the same.",
        "PyTorch's nn.SmoothL1Loss(beta=0.5)",
        normal(x=(4, 5), y=(4, 5)),
        said="the loss is 0.5 times what it should be",
        links={"torch": TORCH_SMOOTH_L1, "keras": KERAS_REGRESSION},
    ),
    Pitfall(
        "divergence",
        "KL divergence: reduction, arguments, logarithms",
        (
            "kl_div differs by a constant factor", "KLDivLoss and KLDivergence do not match",
            "distillation loss is too small", "kl divergence is negative",
        ),
        "PyTorch's kl_div(log q, p) is KL(p || q): the first argument in logarithms, the second not unless "
        "log_target=True, and its default reduction='mean' divides by all elements, not by rows: use "
        "'batchmean'. optax and Keras sum over outcomes; optax takes (log q, p), Keras (p, q).",
        "KL(p || q), the mean over rows",
        distributions,
        links={"torch": TORCH_KL, "keras": KERAS_PROBABILISTIC},
    ),
    Pitfall(
        "label_smoothing",
        "Label smoothing",
        (
            "label smoothing differs", "loss differs with label_smoothing=0.1",
            "smoothed loss is off by a little",
        ),
        "Libraries give the right one of K classes 1 - a + a / K and each other one a / K. Code by hand "
        "often has 1 - a and a / (K - 1), which is less smooth: an a of (K - 1) / K times as much.",
        "PyTorch's nn.CrossEntropyLoss(label_smoothing=0.1)",
        with_labels,
        kinds=("smoothing",),
        links={"torch": TORCH_CROSS_ENTROPY, "jax": OPTAX_LOSSES},
    ),
    Pitfall(
        "cosine",
        "The sign of cosine similarity",
        (
            "cosine similarity has the other sign", "cosine loss is negative",
            "contrastive loss differs in sign",
        ),
        "keras.losses.cosine_similarity is a loss, so it is -1 where vectors point the same way; PyTorch's "
        "and optax's cosine_similarity are 1 there.",
        "PyTorch's F.cosine_similarity",
        normal(x=(4, 5), y=(4, 5)),
        links={"keras": KERAS_REGRESSION},
    ),
)  # fmt: skip
