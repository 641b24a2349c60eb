"""linear_regression: a line through fifteen points, y_pred = w x + b, by gradient descent on the mean square.

x (n,) times w () plus b (): the smallest model that trains.
"""

from samestep.spec import Case, Inputs, Spec, Task

X = (3.3, 4.4, 5.5, 6.71, 6.93, 4.168, 9.779, 6.182, 7.59, 2.167, 7.042, 10.791, 5.313, 7.997, 3.1)
Y = (1.7, 2.76, 2.09, 3.19, 1.694, 1.573, 3.366, 2.596, 2.53, 1.221, 2.827, 3.465, 1.65, 2.904, 1.3)
W = -0.11873716861009598  # what a seeded tutorial drew


def make_inputs(case, rng, dataset):
    """Nothing is drawn: the values are those of a worked example, so that its prints can be compared."""
    import numpy as np  # here, so that `samestep list` need not load it

    return Inputs(
        params={"w": np.array(W), "b": np.array(0.0)},
        arrays={"x": np.array(X), "y": np.array(Y)},
    )


SPEC = Spec(
    summary="w x + b, the mean square over fifteen points, gradient descent",
    cases={
        "worked_example": Case(
            sizes={"points": len(X)},
            numbers={"learning_rate": 1e-2, "steps": 32},
            default=True,
            fixed=("points",),
            summary="fifteen points, rate 0.01, 32 steps",
        )
    },
    tasks={  # there is no matrix product
        "forward": Task(("x",), ("y_pred",), lambda case: 0.0),
        "loss_and_grads": Task(("x", "y"), ("loss", "grads"), lambda case: 0.0),
        "train_step": Task(("x", "y", "learning_rate"), ("state", "loss"), lambda case: 0.0),
        "train": Task(
            ("x", "y", "learning_rate", "steps"),
            ("state", "losses"),
            lambda case: 0.0,
            steps="steps",
        ),
    },
    make_inputs=make_inputs,
    trace=("y_pred", "loss", "grad_y_pred", "grad_w", "grad_b"),
    conventions={"mean square": "over the points, without the half"},
    axes=lambda case: {"x": "n", "y": "n"},
    probes=("nan", "nan_parameter", "overflow"),
    unsuited={
        "integers": "the mean over fifteen points rounds",
        "powers_of_two": "a bias does not scale",
        "ties": "there is no relu",
        "large_logits": "there is no softmax",
    },
    lesson=True,
)
