"""quadratic_fit: one weight, y_pred = w x^2, by gradient descent on half the mean square.

x (n,) -> w () x^2. Gradient descent at its barest: the error shrinks by the same factor at every step.
"""

from samestep.spec import Case, Inputs, Spec, Task


def descent(rate):
    """Down the parabola J(w) = w^2 from 1: 15 steps and the one before them."""
    return Case(
        sizes={"points": 1},
        numbers={"learning_rate": rate, "steps": 16},
        fixed=("points",),
        summary=f"down J(w) = w^2 from 1 at rate {rate}: w becomes (1 - {2 * rate}) w",
    )


def make_inputs(case, rng, dataset):
    """Nothing is drawn: the values are those of worked examples, so that their prints can be compared."""
    import numpy as np  # here, so that `samestep list` need not load it

    if case.sizes["points"] == 1:  # half the square of w x^2, where x^4 = 2, is w^2 itself
        return Inputs(params={"w": np.array(1.0)}, arrays={"x": np.array([2**0.25]), "y": np.array([0.0])})
    x = np.arange(-12, 13) / 10
    return Inputs(params={"w": np.array(5.0)}, arrays={"x": x, "y": 3 * x**2})


SPEC = Spec(
    summary="w x^2, half the mean square, gradient descent",
    cases={
        "worked_example": Case(
            sizes={"points": 25},
            numbers={"learning_rate": 0.15, "steps": 76},
            default=True,
            fixed=("points",),
            summary="to 3 x^2 at 25 points from -1.2 to 1.2, rate 0.15, until the loss is below 1e-5",
        ),
        "parabola_slow": descent(0.1),
        "parabola_fast": descent(0.2),
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
    trace=("y_pred", "loss", "grad_y_pred", "grad_w"),
    conventions={"loss": "half the mean square: the derivative of the square brings the 2"},
    axes=lambda case: {"x": "n", "y": "n"},
    probes=("nan", "nan_parameter", "overflow"),
    unsuited={
        "integers": "the mean over 25 points rounds",
        "powers_of_two": "x is squared and y is not",
        "ties": "there is no relu",
        "large_logits": "there is no softmax",
    },
    lesson=True,
)
