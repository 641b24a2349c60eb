"""nn_variants: the two-layer net as libraries build it, with biases and their own initial values, and their
own optimisers: plain, with momentum, and Adam.

x (batch, d_in) -> w1 + b1 -> relu -> w2 + b2, sum of squares. Where libraries differ there are two tasks,
one for each convention; a library offers the one that it follows, and formulas follow both.
"""

from itertools import pairwise

from samestep.spec import Case, Inputs, Spec, Task

SMALL = {"batch": 8, "d_in": 30, "width": 20, "d_out": 5, "schedule": 10}
TUTORIAL = {"batch": 60, "d_in": 1000, "width": 100, "d_out": 10, "schedule": 10}
OPTIMISERS = {"momentum": 0.9, "beta1": 0.9, "beta2": 0.999}


def variant(sizes, learning_rate, steps, eps=1e-8, **about):
    numbers = {"learning_rate": learning_rate, "steps": steps, **OPTIMISERS, "eps": eps}
    return Case(sizes=sizes, numbers=numbers, **about)


def make_inputs(case, rng, dataset):
    import numpy as np  # here, so that `samestep list` need not load it

    s, params = case.sizes, {}
    widths = s["d_in"], s["width"], s["d_out"]
    for i, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
        # As torch.nn.Linear draws them: uniform, up to 1 / sqrt(fan_in), the biases too
        params[f"w{i}"] = rng.uniform(-1, 1, (fan_in, fan_out)) / fan_in**0.5
        params[f"b{i}"] = rng.uniform(-1, 1, fan_out) / fan_in**0.5
    return Inputs(
        params=params,
        arrays={
            "x": rng.standard_normal((s["batch"], s["d_in"])),
            "y": rng.standard_normal((s["batch"], s["d_out"])),
            # Halved after every second step: at a constant rate the two kinds of momentum agree
            "learning_rates": case.numbers["learning_rate"] * 0.5 ** (np.arange(s["schedule"]) // 2),
        },
    )


def layer_flops(case):
    """Multiply-adds of one pass through each layer, times two: (x @ w1, h_relu @ w2)."""
    s = case.sizes
    return (
        2.0 * s["batch"] * s["d_in"] * s["width"],
        2.0 * s["batch"] * s["width"] * s["d_out"],
    )


def forward_flops(case):
    return sum(layer_flops(case))


def step_flops(case):
    """Forward, grad_w1 (x needs no gradient), grad_w2 and grad_h_relu."""
    first, second = layer_flops(case)
    return 2 * first + 3 * second


def schedule_flops(case):
    return case.sizes["schedule"] * step_flops(case)


ADAM = ("x", "y", "learning_rate", "beta1", "beta2", "eps")
SCHEDULE = ("x", "y", "learning_rates", "momentum")

SPEC = Spec(
    summary="two layers with biases, sum of squares; SGD, momentum and Adam, in both conventions of each",
    cases={
        "small": variant(
            SMALL, learning_rate=1e-3, steps=10, default=True, summary="8 x 30 -> 20 -> 5, rate 1e-3"
        ),
        "large_eps": variant(
            SMALL, learning_rate=1e-3, steps=10, eps=0.1, default=True,
            summary="the same, Adam's eps 0.1: where it is added makes a difference",
        ),
        "tutorial": variant(
            TUTORIAL, learning_rate=1e-6, steps=900, summary="60 x 1000 -> 100 -> 10, rate 1e-6"
        ),
        "tutorial_module": variant(
            TUTORIAL, learning_rate=1e-4, steps=900, summary="60 x 1000 -> 100 -> 10, rate 1e-4"
        ),
    },
    tasks={
        "forward": Task(("x",), ("y_pred",), forward_flops),
        "loss_and_grads": Task(("x", "y"), ("loss", "grads"), step_flops),
        "train_step": Task(("x", "y", "learning_rate"), ("state", "loss"), step_flops),
        "adam_step": Task(ADAM, ("state", "loss"), step_flops),
        "adam_eps_hat_step": Task(ADAM, ("state", "loss"), step_flops),
        "train": Task(
            ("x", "y", "learning_rate", "steps"),
            ("state", "losses"),
            lambda case: case.numbers["steps"] * step_flops(case),
            steps="steps",
        ),
        "momentum_train": Task(
            SCHEDULE, ("state", "losses"), schedule_flops, steps="learning_rates"
        ),
        "inner_momentum_train": Task(
            SCHEDULE, ("state", "losses"), schedule_flops, steps="learning_rates"
        ),
    },
    make_inputs=make_inputs,
    trace=(
        "h", "h_relu", "y_pred", "loss",
        "grad_y_pred", "grad_w2", "grad_b2", "grad_h_relu", "grad_h", "grad_w1", "grad_b1",
    ),
    conventions={
        "relu'(0)": "0",
        "momentum": "v = momentum v + g; w = w - rate v",
        "inner momentum": "v = momentum v - rate g; w = w + v (Keras)",
        "Adam's eps": "added to the root of the corrected second moment, outside the root",
        "Adam's eps hat": "added to the root of the uncorrected second moment (TensorFlow 1, Keras)",
    },
    axes=lambda case: {"x": "ni", "y": "no", "w1": "ih", "b1": "h", "w2": "ho", "b2": "o"},
    probes=("integers", "nan", "nan_parameter", "overflow"),
    unsuited={
        "powers_of_two": "a bias does not scale",
        "ties": "biases keep the net inputs from 0",
        "large_logits": "there is no softmax",
    },
    lesson=True,
)  # fmt: skip
