"""manual_backprop: two inputs, two sigmoid units, two sigmoid outputs, every derivative written by hand.

x (1, 2) -> w1 (2, 2) + b1 -> sigmoid -> w2 (2, 2) + b2 -> sigmoid, sum 0.5 (y_pred - y)^2: small enough to
follow with a pencil. The biases are inputs, not params: gradient descent moves the weights only.
"""

from samestep.spec import Case, Inputs, Spec, Task


def worked_example(target, steps, **about):
    """A case with this target, which only `make_inputs` reads."""
    sizes = {"batch": 1, "d_in": 2, "width": 2, "d_out": 2}
    numbers = {"learning_rate": 0.5, "steps": steps, "target_1": target[0], "target_2": target[1]}
    return Case(sizes=sizes, numbers=numbers, fixed=tuple(sizes), **about)


def make_inputs(case, rng, dataset):
    return drawn(case.sizes, rng) if "target_1" not in case.numbers else printed(case.numbers)


def printed(numbers):
    """Nothing is drawn: the values are those of a worked example, so that its prints can be compared."""
    import numpy as np  # here, so that `samestep list` need not load it

    return Inputs(
        params={  # (in, out): column j holds the weights into unit j
            "w1": np.array([[0.15, 0.25], [0.20, 0.30]]),
            "w2": np.array([[0.40, 0.50], [0.45, 0.55]]),
        },
        arrays={
            "x": np.array([[0.05, 0.10]]),
            "y": np.array([[numbers["target_1"], numbers["target_2"]]]),
            "b1": np.array([0.35, 0.35]),
            "b2": np.array([0.60, 0.60]),
        },
    )


def drawn(s, rng):
    return Inputs(
        params={
            "w1": rng.standard_normal((s["d_in"], s["width"])),
            "w2": rng.standard_normal((s["width"], s["d_out"])),
        },
        arrays={
            "x": rng.standard_normal((s["batch"], s["d_in"])),
            "y": rng.uniform(size=(s["batch"], s["d_out"])),
            "b1": rng.standard_normal(s["width"]),
            "b2": rng.standard_normal(s["d_out"]),
        },
    )


def layer_flops(case):
    """Multiply-adds of one pass through each layer, times two: (x @ w1, h_sigmoid @ w2)."""
    s = case.sizes
    return (
        2.0 * s["batch"] * s["d_in"] * s["width"],
        2.0 * s["batch"] * s["width"] * s["d_out"],
    )


def forward_flops(case):
    return sum(layer_flops(case))


def step_flops(case):
    """Forward, grad_w1 (x needs no gradient), grad_w2 and grad_h_sigmoid."""
    first, second = layer_flops(case)
    return 2 * first + 3 * second


SPEC = Spec(
    summary="2-2-2, sigmoids, half the sum of squares, fixed biases, gradient descent",
    cases={
        "worked_example": worked_example(
            target=(0.01, 0.99), steps=1, default=True, summary="one step that can be followed by hand"
        ),
        "worked_example_trained": worked_example(
            target=(0.01, 0.09), steps=10_000, summary="another target, 10,000 steps"
        ),
        "unequal": Case(
            sizes={"batch": 1, "d_in": 2, "width": 3, "d_out": 4},
            numbers={"learning_rate": 0.5, "steps": 10},
            summary="2-3-4, for code that takes one size for another",
            fixed=("batch",),
        ),
    },
    tasks={
        "forward": Task(("x", "b1", "b2"), ("y_pred",), forward_flops),
        "loss_and_grads": Task(("x", "y", "b1", "b2"), ("loss", "grads"), step_flops),
        "train_step": Task(("x", "y", "b1", "b2", "learning_rate"), ("state", "loss"), step_flops),
        "train": Task(
            ("x", "y", "b1", "b2", "learning_rate", "steps"),
            ("state", "losses"),
            lambda case: case.numbers["steps"] * step_flops(case),
            steps="steps",
        ),
    },
    make_inputs=make_inputs,
    trace=(
        "h", "h_sigmoid", "y_in", "y_pred", "loss",
        "grad_y_pred", "grad_y_in", "grad_w2", "grad_h_sigmoid", "grad_h", "grad_w1",
    ),
    axes=lambda case: {"x": "ni", "y": "no", "w1": "ih", "b1": "h", "w2": "ho", "b2": "o"},
    probes=("nan", "nan_parameter", "overflow"),
    unsuited={
        "integers": "sigmoids round",
        "powers_of_two": "sigmoids do not scale",
        "ties": "sigmoids have a derivative everywhere",
        "large_logits": "there is no softmax",
    },
)  # fmt: skip
