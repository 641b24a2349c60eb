"""linear_output: a sigmoid layer, then a linear one, with biases that are trained as the weights are.

x (1, 2) -> w1 (2, 2) + b1 -> sigmoid -> w2 (2, 2) + b2, no output activation, sum 0.5 (y_pred - y)^2.
"""

from samestep.spec import Case, Inputs, Spec, Task


def make_inputs(case, rng, dataset):
    """Nothing is drawn: the values are those of a worked example, so that its prints can be compared."""
    import numpy as np  # here, so that `samestep list` need not load it

    return Inputs(
        params={
            "w1": np.array([[0.15, 0.20], [0.25, 0.30]]),
            "b1": np.array([0.35, 0.35]),
            "w2": np.array([[0.40, 0.45], [0.50, 0.55]]),
            "b2": np.array([0.60, 0.60]),
        },
        arrays={"x": np.array([[0.05, 0.10]]), "y": np.array([[0.01, 0.90]])},
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
    summary="2-2-2, a sigmoid layer, a linear output, trained biases, half the sum of squares",
    cases={
        "worked_example": Case(
            sizes={"batch": 1, "d_in": 2, "width": 2, "d_out": 2},
            numbers={"learning_rate": 0.5, "steps": 5},
            default=True,
            fixed=("batch", "d_in", "width", "d_out"),
            summary="five steps that can be followed by hand",
        )
    },
    tasks={
        "forward": Task(("x",), ("y_pred",), forward_flops),
        "loss_and_grads": Task(("x", "y"), ("loss", "grads"), step_flops),
        "train_step": Task(("x", "y", "learning_rate"), ("state", "loss"), step_flops),
        "train": Task(
            ("x", "y", "learning_rate", "steps"),
            ("state", "losses"),
            lambda case: case.numbers["steps"] * step_flops(case),
            steps="steps",
        ),
    },
    make_inputs=make_inputs,
    trace=(
        "h", "h_sigmoid", "y_pred", "loss",
        "grad_y_pred", "grad_w2", "grad_b2", "grad_h_sigmoid", "grad_h", "grad_w1", "grad_b1",
    ),
    axes=lambda case: {"x": "ni", "y": "no", "w1": "ih", "b1": "h", "w2": "ho", "b2": "o"},
    probes=("nan", "nan_parameter", "overflow"),
    unsuited={
        "integers": "sigmoids round",
        "powers_of_two": "sigmoids do not scale",
        "ties": "sigmoids have a derivative everywhere",
        "large_logits": "there is no softmax",
    },
    lesson=True,
)  # fmt: skip
