"""Mistakes to plant in conv_net, in the form of `tests.agreement.mistakes`."""

from __future__ import annotations

from tests.agreement.mistakes import disagree

CONV_NET = [
    *disagree(
        "conv_net:tiny/numpy_manual",
        (
            "no gradient through the variance",
            {'(seen[f"grad_shift{i}"] + normed[i] * seen[f"grad_scale{i}"])': 'seen[f"grad_shift{i}"]'},
            "trace, step 0: grad_conv2[",
        ),
        (
            "the statistics of the weights after the step",
            {"renewed(state, seen) | new": "renewed(state, trace(state | new, x, y)) | new"},
            "mean1 is taken at the updated kernel1",
        ),
    ),
    *disagree(
        "conv_net:tiny/torch_nn",
        (
            "the padding is counted",
            {"count_include_pad=False": "count_include_pad=True"},
            "trace, step 0: pooled[",
        ),
        (
            "looking at the loss renews the statistics",
            {"functional_call(state, copies, channels_first(x))": "state(channels_first(x))"},
            "trace changed the state); a task that only looks changes the state",
        ),
    ),
    *disagree(
        "conv_net:tiny/jax_grad",
        (
            "SAME padding of an even size",
            {"padding = ((1, 1), (1, 1))": 'padding = "SAME"'},
            "forward, step 0: eval_logits[",
        ),
    ),
    *disagree(
        "conv_net:tiny/tensorflow_function",
        (
            "the kernel is flipped",
            {'tf.nn.conv2d(a, state[f"kernel{i}"]': 'tf.nn.conv2d(a, state[f"kernel{i}"][::-1, ::-1]'},
            "trace, step 0: conv1[",
        ),
    ),
]
