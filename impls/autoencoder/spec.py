"""autoencoder: 5 -> 3 relu -> 5 sigmoid, trained by Adam on the mean binary cross-entropy.

x (10, 5) -> w1 (5, 3) + b1 -> relu -> w2 (3, 5) + b2 -> logits -> sigmoid -> y_pred (10, 5).
The loss is defined by the logits: log(sigmoid(z)) is finite wherever z is, while the logarithm of a
sigmoid that was rounded to 0 is not.
"""

from samestep.spec import Case, Inputs, Spec, Task

SIZES = {"batch": 10, "d_in": 5, "width": 3}
ADAM = {"learning_rate": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


def make_inputs(case, rng, dataset):
    import numpy as np  # here, so that `samestep list` need not load it

    s = case.sizes
    shapes = {"w1": (s["d_in"], s["width"]), "w2": (s["width"], s["d_in"])}
    params = {}
    for i in "12":
        fan_in, fan_out = shapes[f"w{i}"]
        params[f"w{i}"] = rng.uniform(-1, 1, (fan_in, fan_out)) / fan_in**0.5
        params[f"b{i}"] = rng.uniform(-1, 1, fan_out) / fan_in**0.5
    x = 1 + rng.standard_normal((s["batch"], s["d_in"]))
    y = rng.uniform(size=x.shape) if "soft" in case.numbers else np.ones(x.shape)
    return Inputs(params=params, arrays={"x": x, "y": y})


def layer_flops(case):
    """Multiply-adds of one pass through each layer, times two; both have as many weights."""
    s = case.sizes
    return 2.0 * s["batch"] * s["d_in"] * s["width"]


def forward_flops(case):
    return 2 * layer_flops(case)


def step_flops(case):
    """Forward, grad_w1 (x needs no gradient), grad_w2 and grad_h_relu."""
    return 5 * layer_flops(case)


SPEC = Spec(
    summary="5-3-5, relu, sigmoid output, mean binary cross-entropy, Adam",
    cases={
        "denoise": Case(
            sizes=SIZES,
            numbers={**ADAM, "steps": 10},
            default=True,
            summary="noisy ones back to ones: 10 steps at rate 0.1",
        ),
        "soft_targets": Case(
            sizes=SIZES,
            numbers={**ADAM, "steps": 10, "soft": 1},
            default=True,
            summary="targets between 0 and 1, for code that only ever saw ones",
        ),
    },
    tasks={
        "forward": Task(("x",), ("y_pred",), forward_flops),
        "loss_and_grads": Task(("x", "y"), ("loss", "grads"), step_flops),
        "train_step": Task(
            ("x", "y", "learning_rate", "beta1", "beta2", "eps"), ("state", "loss"), step_flops
        ),
        "train": Task(
            ("x", "y", "learning_rate", "beta1", "beta2", "eps", "steps"),
            ("state", "losses"),
            lambda case: case.numbers["steps"] * step_flops(case),
            steps="steps",
        ),
    },
    make_inputs=make_inputs,
    trace=(
        "h", "h_relu", "logits", "y_pred", "loss",
        "grad_logits", "grad_w2", "grad_b2", "grad_h_relu", "grad_h", "grad_w1", "grad_b1",
    ),
    conventions={
        "relu'(0)": "0",
        "binary cross-entropy": "of the logits, unclipped; the mean over rows and columns",
        "Adam's eps": "added to the root of the corrected second moment, outside the root",
    },
    axes=lambda case: {"x": "ni", "y": "no", "w1": "ih", "b1": "h", "w2": "ho", "b2": "o"},
    probes=("nan", "nan_parameter", "overflow", "large_logits"),
    unsuited={
        "integers": "the sigmoid rounds",
        "powers_of_two": "the sigmoid does not scale",
        "ties": "biases keep the net inputs from 0",
    },
    probabilities=("y",),
    lesson=True,
)  # fmt: skip
