"""conv_net: a small convolutional network that reads images, trained on the mean softmax cross-entropy.

x (n, 28, 28, 1) -> 2 times [convolution 3 x 3, stride 2 -> BatchNorm -> relu] -> average pooling 3 x 3,
stride 2 -> flattened -> linear -> logits (n, 10): 28 pixels become 14, then 7, then 4.

Images arrive as (n, rows, columns, channels), kernels are (3, 3, channels in, out), and w's rows are in the
order of (rows, columns, channels). A rung whose framework prefers channels first brings them there in
`adopt`, and its input where it enters the network.
"""

from itertools import pairwise

from samestep.spec import Case, Inputs, Spec, Task

OPTIMISER = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
MEAN, STD = 0.1307, 0.3081  # of all pixels of MNIST
POSITIONS = (14 * 14, 7 * 7, 4 * 4)  # what is left of the 28 x 28 after each layer of stride 2


def conv_net(batch, channels, rate, **about):
    sizes = {"batch": batch, "channels": channels, "d_out": 10, "train": 10_000}
    return Case(
        sizes=sizes,
        numbers={"learning_rate": rate, **OPTIMISER},
        dataset="mnist_sample",
        fixed=("d_out", "train"),
        at_most={"batch": sizes["train"]},
        **about,
    )


def make_inputs(case, rng, dataset):
    s = case.sizes
    widths = (1, s["channels"], 2 * s["channels"])
    params = {}
    for i, (c_in, c_out) in enumerate(pairwise(widths), start=1):
        params |= {
            f"kernel{i}": rng.uniform(-1, 1, (3, 3, c_in, c_out)) / (9 * c_in) ** 0.5,
            f"scale{i}": rng.uniform(0.5, 1.5, c_out),
            f"shift{i}": rng.uniform(-0.5, 0.5, c_out),
            f"mean{i}": rng.uniform(-0.5, 0.5, c_out),
            f"var{i}": rng.uniform(0.5, 1.5, c_out),
        }
    d_in = POSITIONS[2] * widths[2]
    params["w"] = rng.uniform(-1, 1, (d_in, s["d_out"])) / d_in**0.5
    params["b"] = rng.uniform(-0.1, 0.1, s["d_out"])

    rows = rng.permutation(s["train"])[: s["batch"]]
    images = dataset["images"][rows].reshape(-1, 28, 28, 1)
    # A pixel of value p is drawn from [p, p + 1): where a background is one number all over, sums round alike
    x = ((images + rng.random(images.shape)) / 256 - MEAN) / STD
    return Inputs(params, {"x": x, "y": dataset["labels"][rows]})


def axes(case):
    """n the images, c the first convolution's channels; w's rows keep their order, and so the second's."""
    return {
        "kernel1": "...c", "kernel2": "..c.", "scale1": "c", "shift1": "c", "mean1": "c", "var1": "c",
        "x": "n...", "y": "n",
    }  # fmt: skip


def layer_flops(case):
    """One pass through each layer that multiplies matrices: multiply-adds times two."""
    n, c, d_out = (case.sizes[size] for size in ("batch", "channels", "d_out"))
    first, second, last = POSITIONS
    return [2.0 * n * first * 9 * c, 2.0 * n * second * 9 * c * 2 * c, 2.0 * n * last * 2 * c * d_out]


def step_flops(case):
    """Three products a layer (forward, gradient of the weights, gradient of the input), but two in the
    first: images need no gradient."""
    layers = layer_flops(case)
    return 3 * sum(layers) - layers[0]


SPEC = Spec(
    summary="two convolutions with BatchNorm and relu, average pooling, linear, cross-entropy, on MNIST",
    cases={
        "sample": conv_net(
            32, 8, rate=5e-2, default=True,
            summary="8 and 16 channels, 32 of the images in the repository",
        ),
        "tiny": conv_net(8, 2, rate=5e-2, summary="2 and 4 channels, 8 images: quick to check"),
    },
    tasks={
        "forward": Task(("x",), ("eval_logits",), lambda case: sum(layer_flops(case))),
        "loss_and_grads": Task(("x", "y"), ("loss", "grads"), step_flops),
        "train_step": Task(("x", "y", "learning_rate"), ("state", "loss"), step_flops),
        "adam_step": Task(
            ("x", "y", "learning_rate", "beta1", "beta2", "eps"), ("state", "loss"), step_flops
        ),
    },
    make_inputs=make_inputs,
    trace=(
        "conv1", "batch_mean1", "batch_var1", "h1", "h1_relu",
        "conv2", "batch_mean2", "batch_var2", "h2", "h2_relu",
        "pooled", "logits", "log_p", "loss", "grad_logits",
        "grad_w", "grad_b", "grad_pooled", "grad_h2_relu", "grad_h2",
        "grad_scale2", "grad_shift2", "grad_conv2", "grad_kernel2", "grad_h1_relu", "grad_h1",
        "grad_scale1", "grad_shift1", "grad_conv1", "grad_kernel1",
    ),
    conventions={
        "convolution": "a sum of products with the kernel as it is, which is not flipped",
        "padding": "one pixel of 0 on every side; of an even size SAME would add one below and right alone",
        "BatchNorm": "(x - mean) / sqrt(var + 1e-5), of the batch in training, running in forward",
        "running statistics": "0.9 of the old and 0.1 of the batch's; its variance is divided by n - 1 there",
        "average pooling": "the padding is not counted: at an edge the mean is of 6 pixels, in a corner of 4",
        "relu'(0)": "0",
        "Adam's eps": "added to the root of the corrected second moment, outside the root",
    },
    axes=axes,
    probes=("nan", "nan_parameter", "overflow"),
    unsuited={
        "integers": "BatchNorm and the softmax round",
        "powers_of_two": "the softmax does not scale",
        "ties": "where the kernel is 0 the net inputs are BatchNorm's shift",
        "large_logits": "BatchNorm takes the scale of its input away",
    },
    state=("mean1", "var1", "mean2", "var2"),
    timed_where_selected=True,
)  # fmt: skip
