"""mnist_mlp: a multilayer perceptron that reads images, trained on the mean softmax cross-entropy.

images (n, 784) uint8 -> (images/255 - mean)/std -> [linear -> relu] ... -> linear -> logits (n, 10).
The depth is read off the params w1 b1 ... wn bn. Images, labels and the order in which an epoch visits
them live on the device as they are; every rung normalises by itself.
"""

from samestep.spec import Case, Inputs, Spec, Task

OPTIMISERS = {"momentum": 0.9, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


def mlp(
    dataset, train, test, batch, rate, hidden, mean, std, hidden_layers=1, shuffled=True, epochs=1, **about
):
    sizes = {
        "batch": batch, "d_in": 784, "hidden": hidden, "hidden_layers": hidden_layers, "d_out": 10,
        "train": train, "test": test, "shuffled": int(shuffled), "epochs": epochs,
    }  # fmt: skip
    numbers = {"learning_rate": rate, "mean": mean, "std": std, **OPTIMISERS}
    fixed = tuple(size for size in sizes if size not in ("batch", "hidden"))
    return Case(sizes=sizes, numbers=numbers, dataset=dataset, fixed=fixed, at_most={"batch": train}, **about)


def widths(case):
    """The widths from the pixels to the logits: (784, hidden, ..., 10)."""
    s = case.sizes
    return (s["d_in"], *[s["hidden"]] * s["hidden_layers"], s["d_out"])


def batches(case):
    """Whole batches only: the images that do not fill the last one wait for the next epoch."""
    return case.sizes["train"] // case.sizes["batch"]


def make_inputs(case, rng, dataset):
    import numpy as np  # here, so that `samestep list` need not load it

    s, numbers = case.sizes, case.numbers
    params = {}
    for i, (fan_in, fan_out) in enumerate(zip(widths(case), widths(case)[1:], strict=False), start=1):
        params[f"w{i}"] = rng.uniform(-1, 1, (fan_in, fan_out)) / fan_in**0.5
        params[f"b{i}"] = np.zeros(fan_out)

    order = np.arange(s["train"], dtype=np.int32)
    if s["shuffled"]:
        rng.shuffle(order)
    order = order[: batches(case) * s["batch"]].reshape(-1, s["batch"])
    pixels = dataset["images"][order[0]].astype("float64")
    return Inputs(
        params=params,
        arrays={
            "x": (pixels / 255 - numbers["mean"]) / numbers["std"],
            "y": dataset["labels"][order[0]],
            "images": dataset["images"],
            "labels": dataset["labels"],
            "order": order,
            "test_images": dataset["test_images"],
            "test_labels": dataset["test_labels"],
        },
    )


def axes(case):
    """i pixels, a b c ... the hidden layers' units, n r t the rows; the classes keep their order."""
    layers = "iabcdefgh"[: case.sizes["hidden_layers"] + 1] + "."
    weights = {f"w{i + 1}": layers[i : i + 2] for i in range(len(layers) - 1)}
    biases = {f"b{i + 1}": layers[i + 1] for i in range(len(layers) - 1)}
    inputs = {
        "x": "ni", "y": "n", "images": ".i", "labels": ".", "order": ".r",
        "test_images": "ti", "test_labels": "t",
    }  # fmt: skip
    return {**weights, **biases, **inputs}


def pass_flops(case, rows):
    """One pass of ``rows`` images through each layer: multiply-adds times two, the first layer first."""
    return [2.0 * rows * a * b for a, b in zip(widths(case), widths(case)[1:], strict=False)]


def step_flops(case):
    """Three products a layer (forward, gradient of the weights, gradient of the input), but two in the
    first: images need no gradient."""
    layers = pass_flops(case, case.sizes["batch"])
    return 3 * sum(layers) - layers[0]


SPEC = Spec(
    summary="784 -> relu layers -> 10, mean softmax cross-entropy, on MNIST and Fashion-MNIST",
    cases={
        "sample": mlp(
            "mnist_sample", train=10_000, test=2_000, batch=100, rate=1e-2, hidden=200,
            mean=0.5, std=0.5, default=True, summary="784-200-10 on the 10,000 images in the repository",
        ),
        "mnist": mlp(
            "mnist", train=60_000, test=10_000, batch=100, rate=1e-2, hidden=200,
            mean=0.5, std=0.5, summary="784-200-10 on all of MNIST, one epoch",
        ),
        "fashion": mlp(
            "fashion", train=60_000, test=10_000, batch=64, rate=1e-3, hidden=512, hidden_layers=2,
            mean=0.0, std=1.0, shuffled=False, epochs=5,
            summary="784-512-512-10 on all of Fashion-MNIST, five epochs in file order",
        ),
    },
    tasks={
        "forward": Task(
            ("x",), ("logits",), lambda case: sum(pass_flops(case, case.sizes["batch"]))
        ),
        "loss_and_grads": Task(("x", "y"), ("loss", "grads"), step_flops),
        "train_step": Task(("x", "y", "learning_rate"), ("state", "loss"), step_flops),
        "momentum_step": Task(
            ("x", "y", "learning_rate", "momentum"), ("state", "loss"), step_flops
        ),
        "adam_step": Task(
            ("x", "y", "learning_rate", "beta1", "beta2", "eps"), ("state", "loss"), step_flops
        ),
        "train_epoch": Task(
            ("images", "labels", "order", "learning_rate", "mean", "std"),
            ("state", "losses"),
            lambda case: batches(case) * step_flops(case),
            steps="order",
        ),
        "evaluate": Task(
            ("test_images", "test_labels", "mean", "std"),
            ("mean_loss", "correct"),
            lambda case: sum(pass_flops(case, case.sizes["test"])),
        ),
    },
    make_inputs=make_inputs,
    trace=(
        "h1", "h1_relu", "h2", "h2_relu", "logits", "log_p", "loss", "grad_logits",
        "grad_w3", "grad_b3", "grad_h2_relu", "grad_h2",
        "grad_w2", "grad_b2", "grad_h1_relu", "grad_h1",
        "grad_w1", "grad_b1",
    ),
    conventions={
        "relu'(0)": "0",
        "momentum": "v = momentum v + g; w = w - rate v",
        "Adam's eps": "added to the root of the corrected second moment, outside the root",
    },
    axes=axes,
    probes=("nan", "nan_parameter", "overflow", "large_logits", "ties"),
    unsuited={
        "integers": "the softmax rounds",
        "powers_of_two": "the softmax does not scale",
    },
)  # fmt: skip
