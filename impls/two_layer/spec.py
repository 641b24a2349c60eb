"""two_layer: a fully connected ReLU network with one hidden layer, trained on the sum of squares.

x (batch, d_in) -> w1 (d_in, width) -> relu -> w2 (width, d_out), no biases. Every value is drawn from
a standard normal distribution, and plain gradient descent moves the weights.
"""

from harness.spec import Case, Inputs, Spec, Task


def rate(sizes):
    """The rate shrinks as the sums grow, so that training stays finite."""
    terms = (60 / sizes["batch"]) * (100 / sizes["width"]) * min(1, 1000 / sizes["d_in"])
    return {"learning_rate": 1e-6 * terms}


def sized(batch=60, d_in=1000, width=100, d_out=10, steps=500, **about):
    """A case of this size."""
    sizes = {"batch": batch, "d_in": d_in, "width": width, "d_out": d_out}
    return Case(sizes=sizes, numbers={**rate(sizes), "steps": steps}, **about)


def make_inputs(case, rng, dataset):
    s = case.sizes
    return Inputs(
        params={
            "w1": rng.standard_normal((s["d_in"], s["width"])),
            "w2": rng.standard_normal((s["width"], s["d_out"])),
        },
        arrays={
            "x": rng.standard_normal((s["batch"], s["d_in"])),
            "y": rng.standard_normal((s["batch"], s["d_out"])),
        },
    )


def layer_flops(case):
    """Multiply-adds of one pass through each layer, times two: (x @ w1, h_relu @ w2)."""
    s = case.sizes
    return (
        2.0 * s["batch"] * s["d_in"] * s["width"],
        2.0 * s["batch"] * s["width"] * s["d_out"],
    )


def forward_flops(case):
    return sum(layer_flops(case))


def step_flops(case):
    """Forward, grad_w1 (x needs no gradient), grad_w2 and grad_h_relu."""
    first, second = layer_flops(case)
    return 2 * first + 3 * second


SPEC = Spec(
    summary="x -> w1 -> relu -> w2, sum of squares, gradient descent",
    cases={
        "tutorial": sized(default=True, summary="60 x 1000 -> 100 -> 10, rate 1e-6, 500 steps"),
        "tiny": sized(batch=4, d_in=8, width=5, d_out=3, summary="small enough to print"),
        **{
            f"batch_{batch}": sized(batch=batch, steps=10, summary=f"batch {batch}, 10 steps")
            for batch in (64, 256, 1024, 4096, 16384, 65536)
        },
        **{
            f"width_{width}": sized(width=width, steps=10, summary=f"width {width}, 10 steps")
            for width in (256, 1024, 4096)
        },
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
        "h", "h_relu", "y_pred", "loss",
        "grad_y_pred", "grad_w2", "grad_h_relu", "grad_h", "grad_w1",
    ),
    conventions={"relu'(0)": "0"},
    axes=lambda case: {"x": "ni", "y": "no", "w1": "ih", "w2": "ho"},
    probes=("integers", "powers_of_two", "nan", "ties"),
    unsuited={"large_logits": "there is no softmax"},
    scaled=rate,
)  # fmt: skip
