"""scalar_relu: every neuron written out by name, two inputs, three hidden relu units, one relu output.

x (1, 2) -> w1 (2, 3) -> relu -> w2 (3, 1) -> relu, no biases, (y_pred - y)^2. The net input of hidden unit 3
is exactly 0, so the case also asks for relu'(0).
"""

from samestep.spec import Case, Inputs, Spec, Task


def make_inputs(case, rng, dataset):
    """Nothing is drawn: the values are those of a worked example, so that its prints can be compared."""
    import numpy as np  # here, so that `samestep list` need not load it

    return Inputs(
        params={
            "w1": np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]),
            "w2": np.array([[1.0], [1.0], [0.0]]),
        },
        arrays={"x": np.array([[2.0, 3.0]]), "y": np.array([[5.0]])},
    )


def layer_flops(case):
    """Multiply-adds into each layer's units, times two: those into h1 h2 h3, those into y_in."""
    s = case.sizes
    return 2.0 * s["d_in"] * s["width"], 2.0 * s["width"] * s["d_out"]


def forward_flops(case):
    return sum(layer_flops(case))


def step_flops(case):
    """Forward, grad_w1 (x needs no gradient), grad_w2 and grad_a1 grad_a2 grad_a3."""
    first, second = layer_flops(case)
    return 2 * first + 3 * second


SPEC = Spec(
    summary="2-3-1 with relus and no biases, one neuron a line, square error",
    cases={
        "worked_example": Case(
            sizes={"batch": 1, "d_in": 2, "width": 3, "d_out": 1},
            numbers={"learning_rate": 0.01, "steps": 5},
            default=True,
            fixed=("batch", "d_in", "width", "d_out"),
            summary="net inputs 2, 2 and exactly 0",
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
        "h1", "h2", "h3", "a1", "a2", "a3", "y_in", "y_pred", "loss",
        "grad_y_pred", "grad_y_in", "grad_w2",
        "grad_a1", "grad_a2", "grad_a3", "grad_h1", "grad_h2", "grad_h3", "grad_w1",
    ),
    conventions={"relu'(0)": "0"},
    axes=lambda case: {"x": "ni", "y": "no", "w1": "ih", "w2": "ho"},
    probes=("integers", "powers_of_two", "nan", "nan_parameter", "overflow", "ties"),
    unsuited={"large_logits": "there is no softmax"},
    lesson=True,
)  # fmt: skip
