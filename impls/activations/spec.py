"""activations: relu, sigmoid and tanh with their derivatives, element by element over a range with 0 in it.

Nothing is trained, so there are no params. At 0 the answers are exact: sigmoid' is 1/4, tanh' is 1, and
relu', which has no value there, is declared to be 0.
"""

from samestep.spec import Case, Inputs, Spec, Task


def make_inputs(case, rng, dataset):
    import numpy as np  # here, so that `samestep list` need not load it

    points = case.sizes["points"]
    if "points" not in case.fixed:
        return Inputs(params={}, arrays={"x": rng.standard_normal(points)})
    # In steps of 1/4, which every dtype holds; and -0, which is 0 as well
    return Inputs(params={}, arrays={"x": np.append(np.arange(-6, 6.25, 0.25), -0.0)})


def no_products(case):
    """Operations are counted in matrix products, and there are none."""
    return 0.0


SPEC = Spec(
    summary="relu, sigmoid, tanh and their derivatives, elementwise; nothing is trained",
    cases={
        "range": Case(
            sizes={"points": 50}, fixed=("points",), default=True, summary="-6 to 6 in steps of 1/4, 0 and -0"
        ),
        "drawn": Case(sizes={"points": 100_000}, summary="100,000 points of a normal distribution"),
    },
    tasks={
        "forward": Task(("x",), ("relu", "sigmoid", "tanh"), no_products),
        "derivatives": Task(("x",), ("grad_relu", "grad_sigmoid", "grad_tanh"), no_products),
    },
    make_inputs=make_inputs,
    conventions={"relu'(0)": "0"},
    axes=lambda case: {"x": "n"},
    probes=("nan", "large_logits"),
    unsuited={
        "integers": "exp and tanh round",
        "powers_of_two": "sigmoid and tanh do not scale",
        "nan_parameter": "there are no params",
        "overflow": "sigmoid and tanh are bounded, and relu moves its input only",
        "ties": "the range itself holds 0 and -0",
    },
    derivatives={
        "grad_relu": ("relu", "x", None),
        "grad_sigmoid": ("sigmoid", "x", None),
        "grad_tanh": ("tanh", "x", None),
    },
    lesson=True,
)
