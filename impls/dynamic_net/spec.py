"""dynamic_net: a network whose depth is drawn anew at every step, and whose middle layers share one weight.

x (batch, d_in) -> w1 b1 -> relu -> [w2 b2 -> relu] depth times -> w3 b3 -> y_pred, sum of squares, gradient
descent with momentum. The draws are inputs (``depths``, one for each step), so that all see the same ones.
After PyTorch's tutorial "Control Flow + Weight Sharing", whose layers are nn.Linear: they have biases, and
every value starts uniform within 1 / sqrt(fan_in).
"""

from samestep.spec import Case, Inputs, Spec, Task

DEEPEST = 3  # the largest depth that is ever drawn


def deep(depth, **about):
    """The tutorial's network, where a call that looks at one pass uses the shared layer ``depth`` times."""
    sizes = {"batch": 60, "d_in": 1000, "hidden": 100, "d_out": 10, "steps": 1000}
    numbers = {"depth": depth, **rate(sizes), "momentum": 0.9}
    return Case(sizes=sizes, numbers=numbers, default=True, **about)


def rate(sizes):
    """The rate shrinks as the sum over the batch grows."""
    return {"learning_rate": 1e-4 * (60 / sizes["batch"])}


def layers(case):
    s = case.sizes
    return ((s["d_in"], s["hidden"]), (s["hidden"], s["hidden"]), (s["hidden"], s["d_out"]))


def make_inputs(case, rng, dataset):
    import numpy as np  # here, so that `samestep list` need not load it

    s, params = case.sizes, {}
    for i, (fan_in, fan_out) in enumerate(layers(case), start=1):
        params[f"w{i}"] = rng.uniform(-1, 1, (fan_in, fan_out)) / fan_in**0.5
        params[f"b{i}"] = rng.uniform(-1, 1, fan_out) / fan_in**0.5
    each = (case.numbers["depth"] + np.arange(DEEPEST + 1)) % (DEEPEST + 1)  # a few steps meet each depth
    drawn = rng.integers(0, DEEPEST, s["steps"], endpoint=True)
    return Inputs(
        params=params,
        arrays={
            "x": rng.standard_normal((s["batch"], s["d_in"])),
            "y": rng.standard_normal((s["batch"], s["d_out"])),
            "depths": np.concatenate((each, drawn))[: s["steps"]].astype(np.int32),
        },
    )


def pass_flops(case):
    """Multiply-adds of one pass through each layer, times two: first, one use of the shared one, last."""
    return [2.0 * case.sizes["batch"] * a * b for a, b in layers(case)]


def forward_flops(case, depth):
    first, shared, last = pass_flops(case)
    return first + depth * shared + last


def step_flops(case, depth):
    """Three products a layer (forward, gradient of the weights, gradient of the input), but two in the
    first: x needs no gradient."""
    return 3 * forward_flops(case, depth) - pass_flops(case)[0]


def on_average(case):
    return step_flops(case, DEEPEST / 2)


SPEC = Spec(
    summary="1000 -> 100 -> one shared layer 0 to 3 times -> 10, sum of squares, momentum",
    cases={
        f"depth_{depth}": deep(depth, summary=f"the shared layer is used {uses}, then as drawn")
        for depth, uses in enumerate(("not at all", "once", "twice", "three times"))
    },
    tasks={
        "forward": Task(
            ("x", "depth"), ("y_pred",), lambda case: forward_flops(case, case.numbers["depth"])
        ),
        "loss_and_grads": Task(
            ("x", "y", "depth"), ("loss", "grads"), lambda case: step_flops(case, case.numbers["depth"])
        ),
        "train_step": Task(
            ("x", "y", "depth", "learning_rate", "momentum"),
            ("state", "loss"),
            lambda case: step_flops(case, case.numbers["depth"]),
        ),
        "train": Task(
            ("x", "y", "depths", "learning_rate", "momentum"),
            ("state", "losses"),
            lambda case: case.sizes["steps"] * on_average(case),
            steps="depths",
        ),
    },
    make_inputs=make_inputs,
    trace=(
        "h1", "h1_relu", "h2", "h2_relu", "h3", "h3_relu", "h4", "h4_relu", "y_pred", "loss",
        "grad_y_pred", "grad_w3", "grad_b3",
        "grad_h4_relu", "grad_h4", "grad_h3_relu", "grad_h3", "grad_h2_relu", "grad_h2", "grad_h1_relu",
        "grad_w2", "grad_b2", "grad_h1", "grad_w1", "grad_b1",
    ),
    conventions={
        "relu'(0)": "0",
        "momentum": "v = momentum v + g; w = w - rate v",
        "a layer that a step does not use": "its gradient is 0, and its momentum moves it on",
    },
    axes=lambda case: {
        "x": "ni", "y": "no", "depths": ".",
        "w1": "ih", "b1": "h", "w2": "hh", "b2": "h", "w3": "ho", "b3": "o",
    },
    probes=("integers", "nan", "nan_parameter", "overflow"),
    unsuited={
        "powers_of_two": "the biases do not scale",
        "ties": "the biases keep the net inputs from 0; the integers have zeros enough",
        "large_logits": "there is no softmax",
    },
    scaled=rate,
    lesson=True,
)  # fmt: skip
