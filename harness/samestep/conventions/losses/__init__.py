"""Losses at the edges of their domain: probability 0, logits of -inf, labels out of range."""

from __future__ import annotations

from samestep.conventions.questions import Question

TITLE = "Losses"
NOTE = "JAX and NumPy have no losses; theirs are written out with log_softmax and log."

TORCH_BCE = "https://docs.pytorch.org/docs/stable/generated/torch.nn.BCELoss.html"
TORCH_CROSS_ENTROPY = "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html"
TENSORFLOW_SPARSE = (
    "https://www.tensorflow.org/api_docs/python/tf/nn/sparse_softmax_cross_entropy_with_logits"
)
JAX_SHARP_BITS = "https://docs.jax.dev/en/latest/notebooks/Common_Gotchas_in_JAX.html"
JAX_TAKE = "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.take_along_axis.html"
KERAS_PROBABILISTIC = "https://keras.io/api/losses/probabilistic_losses/"
LABELS = {"torch": TORCH_CROSS_ENTROPY, "tensorflow": TENSORFLOW_SPARSE, "jax": JAX_SHARP_BITS}

QUESTIONS = (
    Question("bce_at_0", "binary cross-entropy of 1, p = 0", {"torch": TORCH_BCE}),
    Question("bce_gradient_at_0", "binary cross-entropy' of 1, p = 0", {"torch": TORCH_BCE}),
    Question(
        "bce_with_logits_at_1000",
        "binary cross-entropy of 0, logit 1000",
        convention="binary cross-entropy",
        means={"of the logits, unclipped; the mean over rows and columns": 1000.0},
    ),
    Question("log_softmax_of_large", "log_softmax(1000, 0)"),
    Question("log_of_softmax_of_large", "log(softmax(1000, 0))"),
    Question("softmax_of_nothing", "softmax(-inf, -inf)"),
    Question("cross_entropy_with_minus_inf", "cross-entropy of class 0, logits 0, -inf"),
    Question("cross_entropy_with_minus_inf_one_hot", "cross-entropy of one-hot (1, 0), logits 0, -inf"),
    Question("cross_entropy_of_probability_0", "cross-entropy of p = 0", {"keras": KERAS_PROBABILISTIC}),
    Question("label_too_large", "label 3 of 3 classes", LABELS),
    Question("label_too_large_taken", "label 3 of 3, take_along_axis", {"jax": JAX_TAKE}),
    Question("label_too_large_one_hot", "label 3 of 3, one_hot"),
    Question("label_minus_1", "label -1 of 3 classes", LABELS),
    Question("label_minus_100", "label -100 of 3 classes", LABELS),
    Question("reduction", "cross-entropy of two rows", {"torch": TORCH_CROSS_ENTROPY}),
    Question("smoothing", "label smoothing 0.5 of 2 classes", {"torch": TORCH_CROSS_ENTROPY}),
    Question("divergence_at_0", "KL divergence of (0, 1) from (.5, .5)"),
    Question("huber_at_3", "Huber loss of 3"),
    Question("cosine_of_zero", "cosine similarity with (0, 0)"),
)
