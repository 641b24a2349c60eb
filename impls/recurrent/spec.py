"""recurrent: a GRU or an LSTM reads sequences step by step, trained on the mean squared error of all steps.

x (steps, batch, d_in) -> one cell, used at every step -> h (steps, batch, hidden) -> w_y b_y -> y_pred. A
step hands its carry to the next one: h, and beside it the LSTM's c. The first carry is a part of the state: a
training step leaves its last carry there, so that the next sequences go on where these ended, and no gradient
flows back into it (truncated back-propagation through time).

The columns of w_x, w_h and their biases belong to the gates, side by side: r z n of the GRU, i f g o of the
LSTM. A rung whose framework wants another order brings them into it in `adopt`, and back in `export`. A carry
of two parts is an LSTM's; a GRU with a bias b_h resets after the product, one without it before.
"""

from samestep.spec import Case, Inputs, Spec, Task

OPTIMISER = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


def recurrent(gates, carries=1, biases=1, **about):
    kind = {"gates": gates, "carries": carries, "biases": biases}
    sizes = {"batch": 16, "steps": 24, "d_in": 8, "hidden": 32, "d_out": 4, **kind}
    numbers = {"learning_rate": 1e-2, **OPTIMISER}
    return Case(sizes=sizes, numbers=numbers, default=True, fixed=tuple(kind), **about)


def make_inputs(case, rng, dataset):
    s = case.sizes
    columns = s["gates"] * s["hidden"]
    shapes = {"w_x": (s["d_in"], columns), "w_h": (s["hidden"], columns), "b_x": (columns,)}
    if s["biases"] == 2:
        shapes["b_h"] = (columns,)
    shapes |= {"w_y": (s["hidden"], s["d_out"]), "b_y": (s["d_out"],)}
    params = {name: rng.uniform(-1, 1, shape) / s["hidden"] ** 0.5 for name, shape in shapes.items()}
    params["carry"] = rng.uniform(-1, 1, (s["carries"], s["batch"], s["hidden"]))
    return Inputs(
        params=params,
        arrays={
            "x": rng.standard_normal((s["steps"], s["batch"], s["d_in"])),
            "y": rng.standard_normal((s["steps"], s["batch"], s["d_out"])),
        },
    )


def axes(case):
    """n the sequences, i the inputs, o the outputs; units, gates and steps keep their order."""
    biases = {"b_x": "."} if case.sizes["biases"] == 1 else {"b_x": ".", "b_h": "."}
    weights = {"w_x": "i.", "w_h": "..", **biases, "w_y": ".o", "b_y": "o"}
    return {**weights, "carry": ".n.", "x": ".ni", "y": ".no"}


def product_flops(case):
    """Multiply-adds of all steps, times two: (x @ w_x, h @ w_h, h @ w_y)."""
    s = case.sizes
    rows, columns = s["steps"] * s["batch"], s["gates"] * s["hidden"]
    return (
        2.0 * rows * s["d_in"] * columns,
        2.0 * rows * s["hidden"] * columns,
        2.0 * rows * s["hidden"] * s["d_out"],
    )


def forward_flops(case):
    return sum(product_flops(case))


def step_flops(case):
    """Three products for each weight (forward, its gradient, that of its input), but two for w_x: x needs
    no gradient."""
    return 3 * forward_flops(case) - product_flops(case)[0]


SPEC = Spec(
    summary="a GRU or an LSTM over 24 steps, linear, mean squared error",
    cases={
        "gru": recurrent(3, summary="the reset gate comes before the product, as in the paper"),
        "gru_reset_after": recurrent(
            3, biases=2, summary="the reset gate comes after the product, as in cuDNN and PyTorch"
        ),
        "lstm": recurrent(4, carries=2, summary="four gates, and a carry of two parts"),
    },
    tasks={
        "forward": Task(("x",), ("y_pred",), forward_flops),
        "loss_and_grads": Task(("x", "y"), ("loss", "grads"), step_flops),
        "train_step": Task(("x", "y", "learning_rate"), ("state", "loss"), step_flops),
        "adam_step": Task(
            ("x", "y", "learning_rate", "beta1", "beta2", "eps"), ("state", "loss"), step_flops
        ),
    },
    make_inputs=make_inputs,
    trace=(
        "first_gates", "first_carry", "h", "last_carry", "y_pred", "loss",
        "grad_y_pred", "grad_w_y", "grad_b_y",
        "last_grad_gates", "grad_h", "grad_w_x", "grad_b_x", "grad_w_h", "grad_b_h",
    ),
    conventions={
        "GRU": "h = (1 - z) n + z h",
        "reset gate": "gru: n = tanh(a + (r h) @ w_n); gru_reset_after: n = tanh(a + r (h @ w_n + b_n))",
        "LSTM": "c = f c + i g; h = o tanh(c)",
        "order of the gates": "r z n; i f g o",
        "biases": "LSTM and gru have one, gru_reset_after one beside each product; nothing is added to f's",
        "Adam's eps": "added to the root of the corrected second moment, outside the root",
    },
    axes=axes,
    probes=("nan", "nan_parameter"),
    unsuited={
        "integers": "sigmoid and tanh round",
        "powers_of_two": "sigmoid and tanh do not scale",
        "ties": "nothing is compared with 0",
        "large_logits": "there is no softmax",
        "overflow": "sigmoid and tanh are bounded: of large inputs nothing is sure to overflow",
    },
    state=("carry",),
    timed_where_selected=True,
)  # fmt: skip
