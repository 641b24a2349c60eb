"""autograd_rules: what automatic differentiation does with vectors, with two calls, and behind its back.

Six small functions with their derivatives; nothing is trained, so there are no params. Of an array every
derivative is that of a weighted sum of its elements: a vector times a Jacobian, which nobody writes down.
"""

from samestep.spec import Case, Inputs, Spec, Task


def make_inputs(case, rng, dataset):
    return drawn(case.sizes, rng) if not case.fixed else printed()


def printed():
    """Nothing is drawn: the values are those of worked examples, so that their prints can be compared."""
    import numpy as np  # here, so that `samestep list` need not load it

    return Inputs(
        params={},
        arrays={
            "x": np.array([3.0, 2.0, 1.0, 4.0]),
            "v": np.array([[1.0, 0.1], [0.01, 0.001]]),
            "m": np.array([[1.0, 2.0], [3.0, 4.0]]),
            "a": np.array([1.0, 1.0]),
            "b": np.array([2.0, 2.0]),
            "t": np.array([0.5, -2.0]),
        },
    )


def drawn(s, rng):
    return Inputs(
        params={},
        arrays={
            "x": rng.standard_normal(s["rows"] * s["columns"]),
            "v": rng.standard_normal((s["rows"], s["columns"])),
            "m": rng.standard_normal((s["rows"], s["columns"])),
            **{name: rng.standard_normal(s["columns"]) for name in ("a", "b", "t")},
        },
    )


def no_products(case):
    """Operations are counted in matrix products, and there are none."""
    return 0.0


def task(inputs, outputs):
    return Task(tuple(inputs.split()), tuple(outputs.split()), no_products)


SPEC = Spec(
    summary="vector-Jacobian products, accumulation, stopped gradients, the chain rule; nothing is trained",
    cases={
        "worked_example": Case(
            sizes={"rows": 2, "columns": 2}, fixed=("rows", "columns"), default=True, summary="small numbers"
        ),
        "drawn": Case(sizes={"rows": 40, "columns": 50}, summary="from a normal distribution"),
    },
    tasks={
        # y = (x + 1)^3 + 2, seen as a matrix; the gradient of x from v, which stands for the gradient of y
        "vector_jacobian": task("x v", "y grad_x"),
        # m^2, with a vector of ones: the gradient of the sum
        "of_ones": task("m", "m_squared grad_m"),
        # a^2 + c, where c = a^3 is taken for a constant: 2 a remains
        "stop_gradient": task("a", "stopped grad_stopped"),
        # 2 a; then a is multiplied by 100 where nobody looks; the gradient is 2 all the same: it needs no a
        "hidden_change": task("a", "doubled a_after grad_doubled"),
        # 3 b^2: its gradient, a second one added to it, and one afresh
        "accumulate": task("b", "grad_once grad_twice grad_afresh"),
        # 5 sin(t^3 + 5): its gradient in one go, and as the product of those of its two parts
        "chain_rule": task("t", "wave grad_wave grad_by_parts"),
    },
    make_inputs=make_inputs,
    axes=lambda case: {"x": ".", "v": "..", "m": "rc", "a": "n", "b": "n", "t": "n"},
    probes=("nan", "overflow"),
    unsuited={
        "nan_parameter": "there are no params",
        "integers": "sines round",
        "powers_of_two": "neither sines nor sums with a constant scale",
        "ties": "every function here has a derivative everywhere",
        "large_logits": "there is no softmax",
    },
    derivatives={
        "grad_x": ("y", "x", "v"),
        "grad_m": ("m_squared", "m", None),
        "grad_doubled": ("doubled", "a", None),
        "grad_wave": ("wave", "t", None),
        "grad_by_parts": ("wave", "t", None),
    },
    lesson=True,
)
