"""Optimisers: three steps with given gradients, from the same weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from samestep.conventions.ports.pitfall import Arrays, Pitfall

TITLE = "Optimisers"
NOTE = (
    "Each function takes weights w and three gradients g, and returns the weights after three steps at a "
    "rate of 0.1. JAX's are optax's. TensorFlow's tf.keras.optimizers are Keras's."
)

TORCH_ADAM = "https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html"
TORCH_ADAMW = "https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html"
TORCH_SGD = "https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html"
TORCH_RMSPROP = "https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html"
TORCH_ADAGRAD = "https://docs.pytorch.org/docs/stable/generated/torch.optim.Adagrad.html"
OPTAX = "https://optax.readthedocs.io/en/latest/api/optimizers.html"
KERAS_ADAM = "https://keras.io/api/optimizers/adam/"
KERAS_ADAMW = "https://keras.io/api/optimizers/adamw/"
KERAS_SGD = "https://keras.io/api/optimizers/sgd/"
KERAS_RMSPROP = "https://keras.io/api/optimizers/rmsprop/"
KERAS_ADAGRAD = "https://keras.io/api/optimizers/adagrad/"


def gradients(size: float = 1.0) -> Callable[[np.random.Generator], Arrays]:
    """Return a ``draw`` of eight weights, and of three gradients of this size."""
    return lambda random: {"w": random.standard_normal(8), "g": size * random.standard_normal((3, 8))}


PITFALLS = (
    Pitfall(
        "adam_eps",
        "Adam's eps",
        (
            "Adam differs", "training curves drift apart after a while", "Adam steps are smaller in Keras",
            "optimizer epsilon 1e-7 and 1e-8", "Adam differs where gradients are small",
        ),
        "PyTorch and optax add eps = 1e-8 to the root of the corrected second moment. Keras adds 1e-7 to "
        "the root of the uncorrected one, as TensorFlow 1 does, which is an eps of 1e-7 / sqrt(1 - "
        "0.999^t): 3e-6 in the first step. It shows where gradients are not far larger.",
        "PyTorch's optim.Adam(lr=0.1), gradients of 1e-7",
        gradients(1e-7),
        kinds=("update: eps",),
        links={"torch": TORCH_ADAM, "jax": OPTAX, "keras": KERAS_ADAM},
    ),
    Pitfall(
        "adamw_decay",
        "AdamW's weight decay",
        (
            "AdamW differs", "weights shrink faster or slower", "AdamW weight decay default",
            "parameters agree for a few steps and then drift",
        ),
        "The default decay is 0.01 in PyTorch, 1e-4 in optax, 0.004 in Keras. All multiply it by the rate.",
        "PyTorch's optim.AdamW(lr=0.1)",
        gradients(),
        kinds=("decay",),
        said="decoupled weight decay is 1e-4, the reference's 0.01",
        links={"torch": TORCH_ADAMW, "jax": OPTAX, "keras": KERAS_ADAMW},
    ),
    Pitfall(
        "adam_l2",
        "Adam with weight decay, coupled or not",
        (
            "Adam with weight_decay differs", "Adam(weight_decay) is not AdamW",
            "regularisation is weaker or stronger",
        ),
        "In PyTorch optim.Adam(weight_decay=a) adds a w to the gradient, which Adam then divides by its "
        "size (L2); in Keras Adam(weight_decay=a) shrinks weights by themselves, as AdamW does. In optax "
        "chain add_decayed_weights before adam.",
        "PyTorch's optim.Adam(lr=0.1, weight_decay=0.1)",
        gradients(),
        links={"torch": TORCH_ADAM, "keras": KERAS_ADAM},
    ),
    Pitfall(
        "momentum",
        "Momentum when the rate changes",
        (
            "SGD with momentum differs after a learning rate step",
            "training differs from the first schedule step on",
            "warm-up differs", "learning rate schedule and momentum",
        ),
        "PyTorch and optax keep a sum of gradients and multiply it by today's rate; Keras keeps a sum of "
        "steps, so earlier gradients keep the rate of their own day. With one rate both are the same. In "
        "Keras rescale the momentum when the rate changes.",
        "PyTorch's optim.SGD(momentum=0.9), rates 0.1, 0.1, 0.01",
        gradients(),
        kinds=("momentum form",),
        links={"torch": TORCH_SGD, "jax": OPTAX, "keras": KERAS_SGD},
    ),
    Pitfall(
        "dampening",
        "Momentum as an average",
        (
            "momentum steps are ten times smaller or larger", "SGD momentum differs by a constant factor",
            "dampening", "exponential moving average of gradients",
        ),
        "SGD with momentum sums: v = 0.9 v + g. An average, v = 0.9 v + 0.1 g, takes steps of a tenth; "
        "optax.ema is that, and PyTorch's dampening=0.1 nearly: it leaves the first gradient whole.",
        "PyTorch's optim.SGD(lr=0.1, momentum=0.9)",
        gradients(),
        links={"torch": TORCH_SGD, "jax": OPTAX},
    ),
    Pitfall(
        "rmsprop",
        "RMSprop: decay, and eps in or out of the root",
        (
            "RMSprop differs", "RMSprop diverges after a port", "RL agent trains differently with RMSprop",
            "rmsprop eps inside the square root", "alpha, rho, decay",
        ),
        "PyTorch: decay 0.99, g / (sqrt(v) + 1e-8). optax: 0.9, and eps inside the root, g / sqrt(v + "
        "1e-8), unless eps_in_sqrt=False. Keras: rho 0.9, g / sqrt(v + 1e-7): no setting takes eps out of "
        "the root, so make it so small that neither counts; where gradients are as small as eps, write the "
        "step. TensorFlow 1 starts v at 1.",
        "PyTorch's optim.RMSprop(lr=0.1)",
        gradients(),
        links={"torch": TORCH_RMSPROP, "jax": OPTAX, "keras": KERAS_RMSPROP},
    ),
    Pitfall(
        "adagrad",
        "Adagrad's initial sum",
        ("Adagrad differs", "first steps of Adagrad are smaller", "initial_accumulator_value"),
        "The sum of squares starts at 0 in PyTorch, at 0.1 in optax and Keras.  eps is 1e-10 outside the "
        "root in PyTorch, 1e-7 inside it in optax and Keras.",
        "PyTorch's optim.Adagrad(lr=0.1)",
        gradients(),
        kinds=("initial sum",),
        links={"torch": TORCH_ADAGRAD, "jax": OPTAX, "keras": KERAS_ADAGRAD},
    ),
)  # fmt: skip
