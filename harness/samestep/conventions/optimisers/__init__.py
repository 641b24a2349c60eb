"""Optimisers: one name with different formulas, one formula with different defaults."""

from __future__ import annotations

from samestep.conventions.questions import Question

TITLE = "Optimisers"
NOTE = (
    "Steps start from a weight of 0 and the optimiser's initial state. TensorFlow: tf.compat.v1.train, since "
    "tf.keras.optimizers are Keras's. JAX: jax.example_libraries.optimizers, which is part of JAX."
)

TORCH_SGD = "https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html"
TORCH_ADAM = "https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html"
TORCH_ADAMW = "https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html"
TORCH_RMSPROP = "https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html"
TORCH_ADAGRAD = "https://docs.pytorch.org/docs/stable/generated/torch.optim.Adagrad.html"
TENSORFLOW_ADAM = "https://www.tensorflow.org/api_docs/python/tf/compat/v1/train/AdamOptimizer"
KERAS_SGD = "https://keras.io/api/optimizers/sgd/"
KERAS_ADAM = "https://keras.io/api/optimizers/adam/"
KERAS_ADAMW = "https://keras.io/api/optimizers/adamw/"
KERAS_RMSPROP = "https://keras.io/api/optimizers/rmsprop/"
KERAS_ADAGRAD = "https://keras.io/api/optimizers/adagrad/"

SGD = {"torch": TORCH_SGD, "keras": KERAS_SGD}
ADAM = {"torch": TORCH_ADAM, "tensorflow": TENSORFLOW_ADAM, "keras": KERAS_ADAM}
ADAMW = {"torch": TORCH_ADAMW, "keras": KERAS_ADAMW}
RMSPROP = {"torch": TORCH_RMSPROP, "keras": KERAS_RMSPROP}

QUESTIONS = (
    Question("sgd_default_rate", "SGD: default rate", SGD),
    Question(
        "momentum_with_two_rates",
        "momentum 0.5, g = 1 twice, rates 1, 2: w",
        SGD,
        convention="momentum",
        means={"v = momentum v + g; w = w - rate v": -4.0},
    ),
    Question("nesterov_with_two_rates", "Nesterov 0.5, g = 1 twice, rates 1, 2: w", SGD),
    Question(
        "adam_small_gradient",
        "Adam, eps 1e-8, g = 1e-7: first step over rate",
        ADAM,
        convention="Adam's eps",
        means={"added to the root of the corrected second moment, outside the root": 1e-7 / (1e-7 + 1e-8)},
    ),
    Question("adam_small_gradient_default_eps", "Adam, default eps, g = 1e-7: first step over rate", ADAM),
    Question("adam_default_eps", "Adam: default eps", ADAM),
    Question("adam_default_rate", "Adam: default rate", ADAM),
    Question("adam_weight_decay", "Adam, rate and decay 0.1, g = 0: w from 1", ADAM),
    Question("adamw_weight_decay", "AdamW, rate and decay 0.1, g = 0: w from 1", ADAMW),
    Question("adamw_default_decay", "AdamW: default decay", ADAMW),
    Question("rmsprop_eps", "RMSprop, decay 0, eps 3, g = 1: step over rate", RMSPROP),
    Question("rmsprop_first_step", "RMSprop, decay 0.75, g = 1: first step over rate", RMSPROP),
    Question("rmsprop_default_decay", "RMSprop: default decay", RMSPROP),
    Question("rmsprop_default_eps", "RMSprop: default eps", RMSPROP),
    Question("rmsprop_default_rate", "RMSprop: default rate", RMSPROP),
    Question(
        "adagrad_first_step",
        "Adagrad, g = 1: first step over rate",
        {"torch": TORCH_ADAGRAD, "keras": KERAS_ADAGRAD},
    ),
    Question(
        "clip_by_norm",
        "g = 3e-6 clipped to norm 1e-6, over 1e-6",
        {"torch": "https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html"},
    ),
)
