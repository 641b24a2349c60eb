"""Faults for conv_net: padding, layouts, BatchNorm and its statistics, pooling.

Each framework's path has names and layouts of its own, so the patches are written out, one for each.
"""

from __future__ import annotations

from tests.evidence.faults import Changes, Fault, Patch, faults_of

fault = faults_of("conv_net")


def in_paths(
    numpy: Patch | None = None,
    torch: Patch | None = None,
    jax: Patch | None = None,
    tensorflow: Patch | None = None,
    **others: Patch,
) -> Changes:
    """Return the changes of the paths by hand and of the two that differentiate, and of others by name."""
    paths = {"numpy_manual": numpy, "torch_manual": torch, "jax_grad": jax, "tensorflow_function": tensorflow}
    return {rung: patch for rung, patch in {**paths, **others}.items() if patch}


#: The convolutions' operands and results, as each path writes them.
NUMPY_KERNEL = "@ as_matrix(kernel)).reshape(n"
TORCH_KERNEL = "kernel.flatten(1) @ patches"
JAX_KERNEL = "lax.conv_general_dilated(x, kernel, (2, 2)"
TF_KERNEL = 'tf.nn.conv2d(a, state[f"kernel{i}"], '
NUMPY_FLAT = 'flat = seen["pooled"].reshape(len(x), -1)'
TF_FLAT = 'tf.reshape(seen["pooled"], (len(x), -1))'
EPS, MOMENTUM = "EPS, MOMENTUM = 1e-5, 0.1", "1e-5, 0.1"
BY_HAND_MEANS = ('(seen[f"grad_shift{i}"] + normed[i] * seen[f"grad_scale{i}"])', "(of_channels(shift) + normed[i] * of_channels(scale))")  # fmt: skip
JAX_NORM = "mean, var = conv.mean(axis=(0, 1, 2)), conv.var(axis=(0, 1, 2))\n"
TF_MOMENTS = 'seen[f"batch_mean{i}"], seen[f"batch_var{i}"] = tf.nn.moments(conv, axes=(0, 1, 2))\n'


def constants(new: str) -> Changes:
    """Return the changes of eps and momentum in all paths."""
    changed = {EPS: f"EPS, MOMENTUM = {new}"}
    by_import = {
        "from .jax_manual import EPS, MOMENTUM, adopt, export, positions\n": (
            f"from .jax_manual import adopt, export, positions\n\nEPS, MOMENTUM = {new}\n"
        )
    }
    return in_paths(changed, changed, by_import, changed, jax_manual=changed)


CONVOLUTION = [
    fault(
        "SAME padding of an even size", "other", "conv1 eval_logits loss",
        in_paths(
            {"np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))": "np.pad(x, ((0, 0), (0, 2), (0, 2), (0, 0)))"},
            {
                "F.unfold(a, **WINDOWS)\n        conv = seen": (
                    "F.unfold(F.pad(a, (0, 1, 0, 1)), 3, stride=2)\n        conv = seen"
                )
            },
            {"padding = ((1, 1), (1, 1))": 'padding = "SAME"'},
            {"strides=2, padding=EVEN": 'strides=2, padding="SAME"'},
        ),
    ),
    fault(
        "the border is repeated, not 0", "other", "conv1 eval_logits",
        in_paths(
            {"(0, 0)))": '(0, 0)), mode="edge")'},
            jax_manual={"(0, 0)))": '(0, 0)), mode="edge")'},
            torch_autograd={
                'F.conv2d(a, state[f"kernel{i}"], stride=2, padding=1)': (
                    'F.conv2d(F.pad(a, (1, 1, 1, 1), mode="replicate"), state[f"kernel{i}"], stride=2)'
                )
            },
        ),
    ),
    fault(
        "the kernel is flipped", "order", "conv1 eval_logits loss",
        in_paths(
            {NUMPY_KERNEL: NUMPY_KERNEL.replace("kernel)", "kernel[::-1, ::-1])")},
            {TORCH_KERNEL: "kernel.flip(2, 3).flatten(1) @ patches"},
            {JAX_KERNEL: JAX_KERNEL.replace("kernel", "kernel[::-1, ::-1]")},
            {TF_KERNEL: 'tf.nn.conv2d(a, tf.reverse(state[f"kernel{i}"], [0, 1]), '},
        ),
    ),
    fault(
        "the kernel's rows taken for its columns", "transposed", "conv1 eval_logits loss",
        in_paths(
            {NUMPY_KERNEL: NUMPY_KERNEL.replace("kernel)", "kernel.transpose(1, 0, 2, 3))")},
            {"p.permute(3, 2, 0, 1)": "p.permute(3, 2, 1, 0)", "p.permute(2, 3, 1, 0)": "p.permute(3, 2, 1, 0)"},
            {JAX_KERNEL: JAX_KERNEL.replace("kernel", "kernel.transpose(1, 0, 2, 3)")},
            {TF_KERNEL: 'tf.nn.conv2d(a, tf.transpose(state[f"kernel{i}"], (1, 0, 2, 3)), '},
        ),
    ),
    fault(
        "the network flattens channel by channel", "order", "logits eval_logits loss",
        in_paths(
            {NUMPY_FLAT: 'flat = seen["pooled"].transpose(0, 3, 1, 2).reshape(len(x), -1)'},
            {"return pooled.permute(0, 2, 3, 1).flatten(1)": "return pooled.flatten(1)"},
            {"average_pool(a).reshape(": "average_pool(a).transpose(0, 3, 1, 2).reshape("},
            {TF_FLAT: 'tf.reshape(tf.transpose(seen["pooled"], (0, 3, 1, 2)), (len(x), -1))'},
        ),
    ),
    fault(
        "the module's w keeps the order of channels last", "order", "logits eval_logits",
        {
            "torch_nn": {
                "value.view(4, 4, -1, value.shape[1]).permute(3, 2, 0, 1).flatten(1)": "value.T.contiguous()",
                "value.unflatten(1, (-1, 4, 4)).permute(2, 3, 1, 0).flatten(0, 2)": "value.T",
            }
        },
    ),
    fault(
        "bfloat16 in the convolution", "precision", "conv1 eval_logits",
        in_paths(
            {NUMPY_KERNEL: NUMPY_KERNEL.replace("kernel)", "rounded(kernel, 8))")},
            {TORCH_KERNEL: "rounded(kernel, 8).flatten(1) @ patches"},
            None,
            {TF_KERNEL: 'tf.nn.conv2d(a, rounded(state[f"kernel{i}"], 8), '},
            jax_manual={NUMPY_KERNEL: NUMPY_KERNEL.replace("kernel)", "rounded(kernel, 8))")},
        ),
    ),
    fault(
        "windows that overlap get the last gradient alone", "other", "grad_h2_relu grad_h2 grad_w",
        in_paths(
            {"j : j + w : 2] += grad[": "j : j + w : 2] = grad["},
            jax_manual={".add(grad[:, :, :, tap])": ".set(grad[:, :, :, tap])"},
        ),
    ),
    fault(
        "the kernel's gradient is that of another padding", "order", "grad_kernel2",
        in_paths(
            {"rows = patches.reshape(": "rows = np.roll(patches, 1, axis=3).reshape("},
            {'grad, patches[i]).view': "grad, patches[i].roll(1, 1)).view"},
            jax_manual={"rows = patches.reshape(": "rows = jnp.roll(patches, 1, axis=3).reshape("},
        ),
    ),
]  # fmt: skip

BATCH_NORM = [
    fault("eps of 1e-3", "other", "h1 eval_logits loss", constants("1e-3, 0.1")),
    fault(
        "eps outside the root", "other", "h1 eval_logits loss grad_kernel1",
        in_paths(
            {"std[i] = np.sqrt(var + EPS)": "std[i] = np.sqrt(var) + EPS"},
            {"std[i] = torch.sqrt(var + EPS)": "std[i] = torch.sqrt(var) + EPS"},
            {"return (conv - mean) / jnp.sqrt(var + EPS)": "return (conv - mean) / (jnp.sqrt(var) + EPS)"},
        ),
    ),
    fault(
        "normalised with the variance of n - 1", "other", "batch_var1 h1 loss",
        in_paths(
            {"np.square(centred).mean(axis=(0, 1, 2))": "conv.var(axis=(0, 1, 2), ddof=1)"},
            {"correction=0": "correction=1"},
            {"conv.var(axis=(0, 1, 2))\n": "conv.var(axis=(0, 1, 2), ddof=1)\n"},
            jax_manual={"jnp.square(conv - mean).mean(axis=(0, 1, 2))": "conv.var(axis=(0, 1, 2), ddof=1)"},
        ),
    ),
    fault(
        "the shift is scaled too", "other", "h1 eval_logits loss",
        in_paths(
            {
                'seen[f"h{i}"] = normed[i] * state[f"scale{i}"] + state[f"shift{i}"]': (
                    'seen[f"h{i}"] = (normed[i] + state[f"shift{i}"]) * state[f"scale{i}"]'
                )
            },
            None,
            {"jnp.sqrt(var + EPS) * scale + shift, mean": "jnp.sqrt(var + EPS) * scale + scale * shift, mean"},
            {"var, shift, scale, EPS)": "var, scale * shift, scale, EPS)"},
        ),
    ),
    fault(
        "training normalises with the running statistics", "other", "h1 loss",
        in_paths(
            {"normed[i] = centred / std[i]": 'normed[i] = (conv - state[f"mean{i}"]) / std[i]'},
            {
                "normed[i] = (conv - of_channels(mean)) / of_channels(std[i])": (
                    'normed[i] = (conv - of_channels(state[f"mean{i}"])) / of_channels(std[i])'
                )
            },
            None,
            {'return seen[f"batch_mean{i}"], seen[f"batch_var{i}"]': 'return state[f"mean{i}"], state[f"var{i}"]'},
            torch_nn={"copy = deepcopy(state).train()": "copy = deepcopy(state).eval()",
                      "    state.train().zero_grad()\n\n": "    state.eval().zero_grad()\n\n"},
        ),
    ),
    fault(
        "evaluation normalises with the batch's statistics", "other", "eval_logits",
        in_paths(
            {
                '(conv - state[f"mean{i}"]) / np.sqrt(state[f"var{i}"] + EPS)': (
                    "(conv - conv.mean(axis=(0, 1, 2))) / np.sqrt(conv.var(axis=(0, 1, 2)) + EPS)"
                )
            },
            None,
            {
                '(conv - state[f"mean{i}"]) / jnp.sqrt(state[f"var{i}"] + EPS)': (
                    "(conv - conv.mean(axis=(0, 1, 2))) / jnp.sqrt(conv.var(axis=(0, 1, 2)) + EPS)"
                )
            },
            {'lambda i, conv: (state[f"mean{i}"], state[f"var{i}"])': "lambda i, conv: tf.nn.moments(conv, (0, 1, 2))"},
            torch_autograd={"network(state, x, by_running_statistics)": "network(state, x, by_the_batch)"},
        ),
    ),
    fault(
        "no gradient through the mean and the variance", "other", "grad_conv2 grad_h1_relu grad_h1 grad_conv1 grad_kernel1 grad_kernel2",
        in_paths(
            {BY_HAND_MEANS[0]: "0 * normed[i]"},
            {BY_HAND_MEANS[1]: "0 * normed[i]"},
            {JAX_NORM: JAX_NORM + "    mean, var = lax.stop_gradient((mean, var))\n"},
            {
                TF_MOMENTS: TF_MOMENTS
                + '        seen[f"batch_mean{i}"] = tf.stop_gradient(seen[f"batch_mean{i}"])\n'
                + '        seen[f"batch_var{i}"] = tf.stop_gradient(seen[f"batch_var{i}"])\n'
            },
        ),
    ),
    fault(
        "no gradient through the variance", "other", "grad_conv2 grad_h1_relu grad_h1 grad_conv1 grad_kernel1 grad_kernel2",
        in_paths(
            {BY_HAND_MEANS[0]: 'seen[f"grad_shift{i}"]'},
            {BY_HAND_MEANS[1]: "of_channels(shift)"},
            {JAX_NORM: JAX_NORM + "    var = lax.stop_gradient(var)\n"},
            {TF_MOMENTS: TF_MOMENTS + '        seen[f"batch_var{i}"] = tf.stop_gradient(seen[f"batch_var{i}"])\n'},
            torch_function={"(grad_shift + normed * grad_scale) / (": "grad_shift / ("},
            jax_custom_vjp={"(grad_shift + normed * grad_scale) / ": "grad_shift / "},
        ),
    ),
    fault(
        "scale's gradient before the normalisation", "other", "grad_scale2 grad_scale1",
        in_paths(
            {"(grad * normed[i]).sum(": '(grad * seen[f"conv{i}"]).sum('},
            {"(grad * normed[i]).sum(": '(grad * seen[f"conv{i}"]).sum('},
            jax_manual={"(grad * normed[i]).sum(": '(grad * seen[f"conv{i}"]).sum('},
        ),
    ),
    fault(
        "the slope without scale", "other", "grad_conv2 grad_kernel1 grad_kernel2",
        in_paths(
            {'(grad - means) * (state[f"scale{i}"] / std[i])': "(grad - means) / std[i]"},
            {'of_channels(state[f"scale{i}"] / std[i])': "of_channels(1 / std[i])"},
            torch_function={"scale.view_as(std) / std)\n": "1 / std)\n"},
            jax_custom_vjp={"(normed, scale / std)": "(normed, 1 / std)"},
        ),
    ),
]  # fmt: skip

STATISTICS = [
    fault("the momentum of Keras's default", "other", "mean1 mean2", constants("1e-5, 0.01")),
    fault("the momentum the wrong way round", "other", "mean1 mean2", constants("1e-5, 0.9")),
    fault(
        "the running variance is that of n", "other", "var1 var2",
        in_paths(
            {"MOMENTUM * n / (n - 1) * seen": "MOMENTUM * seen"},
            {'seen[f"batch_var{i}"] * (n / (n - 1))': 'seen[f"batch_var{i}"]'},
            {"mean, var * (n / (n - 1))": "mean, var"},
            {' * (n / (n - 1)))': ")"},
            jax_manual={"MOMENTUM * n / (n - 1) * seen": "MOMENTUM * seen"},
        ),
    ),
    fault(
        "the standard deviation is kept for the variance", "other", "var1 var2",
        in_paths(
            {'MOMENTUM * n / (n - 1) * seen[f"batch_var{i}"]': 'MOMENTUM * np.sqrt(seen[f"batch_var{i}"])'},
            {'seen[f"batch_var{i}"] * (n / (n - 1))': 'seen[f"batch_var{i}"].sqrt()'},
            {"mean, var * (n / (n - 1))": "mean, jnp.sqrt(var)"},
        ),
    ),
    fault(
        "the running statistics are not renewed", "stale", "mean1 mean2",
        in_paths(
            {"return state | renewed(state, seen) | new": "return state | new"},
            {"    renew(state, seen)\n": ""},
            {"return state | renewed(state, batch) | new": "return state | new"},
            {"def update(state, x, y, learning_rate):\n    seen, grads = gradients(state, x, y)\n    renew(state, seen)\n":
             "def update(state, x, y, learning_rate):\n    seen, grads = gradients(state, x, y)\n"},
            torch_autograd={"gradients(state, x, y, by_the_batch_and_renew)": "gradients(state, x, y, by_the_batch)"},
        ),
    ),
    fault(
        "the second layer's statistics are not renewed", "stale", "mean2",
        in_paths(
            {"    for i in (1, 2):\n        n = positions(seen": "    new |= {n: state[n] for n in ('mean2', 'var2')}\n    for i in (1,):\n        n = positions(seen"},
            {"    for i in (1, 2):\n        n = positions(seen": "    for i in (1,):\n        n = positions(seen"},
            {"for name, value in batch.items()}": 'for name, value in batch.items() if "1" in name}'},
            {"    for i in (1, 2):\n        mean, var = state": "    for i in (1,):\n        mean, var = state"},
        ),
    ),
    fault(
        "looking at the loss renews them", "behaviour", "mean1 mean2",
        {
            "torch_autograd": {
                "loss, grads = gradients(state, x, y, by_the_batch)": (
                    "loss, grads = gradients(state, x, y, by_the_batch_and_renew)"
                )
            },
            "torch_nn": {"functional_call(state, copies, channels_first(x))": "state(channels_first(x))"},
            "tensorflow_function": {
                "    seen, grads = gradients(state, x, y)\n    return seen": (
                    "    seen, grads = gradients(state, x, y)\n    renew(state, seen)\n    return seen"
                )
            },
        },
    ),
    fault(
        "the statistics move like weights, by the rate", "other", "mean1 mean2",
        in_paths(
            {"return state | renewed(state, seen) | new": (
                "renewal = {n: state[n] + learning_rate * (v - state[n]) for n, v in renewed(state, seen).items()}\n"
                "    return state | renewal | new")},
            {"MOMENTUM)\n        state[f\"var": "0.05)\n        state[f\"var"},
            {"return state | renewed(state, batch) | new": (
                "renewal = {n: state[n] + learning_rate * (v - state[n]) for n, v in renewed(state, batch).items()}\n"
                "    return state | renewal | new")},
        ),
    ),
    fault(
        "the statistics are those after the step", "updated weights", "mean1 mean2",
        in_paths(
            {"return state | renewed(state, seen) | new": "return state | renewed(state, trace(state | new, x, y)) | new"},
            None,
            {"return state | renewed(state, batch) | new": (
                "_, _, batch = gradients(state | new, x, y)\n    return state | renewed(state, batch) | new")},
        ),
    ),
]  # fmt: skip

POOLING = [
    fault(
        "the padding is counted", "other", "pooled eval_logits loss",
        in_paths(
            {".sum(axis=3).astype(x.dtype)": ".sum(axis=3).astype(x.dtype) * 0 + 9"},
            {'seen["pooled"] = F.avg_pool2d(a, **WINDOWS, count_include_pad=False)': 'seen["pooled"] = F.avg_pool2d(a, **WINDOWS)'},
            {"lax.add, **WINDOWS) / counts": "lax.add, **WINDOWS) / 9"},
            {'tf.nn.avg_pool2d(a, 3, strides=2, padding="SAME")': 'tf.nn.avg_pool2d(tf.pad(a, EVEN), 3, 2, "VALID")'},
            torch_nn={"count_include_pad=False": "count_include_pad=True"},
        ),
    ),
    fault(
        "the largest in place of the mean", "other", "pooled eval_logits loss",
        in_paths(
            {"windows(x).sum(axis=3) / counts(x)": "windows(x).max(axis=3)"},
            {'seen["pooled"] = F.avg_pool2d(a, **WINDOWS, count_include_pad=False)': 'seen["pooled"] = F.max_pool2d(a, **WINDOWS)'},
            None,
            {'tf.nn.avg_pool2d(a, 3, strides=2, padding="SAME")': 'tf.nn.max_pool2d(a, 3, 2, "SAME")'},
        ),
    ),
    fault(
        "its gradient is not divided", "other", "grad_h2_relu",
        in_paths(
            {"9 * [grad / counts(x)]": "9 * [grad]"},
            {"(grad / counts(a)).flatten(2)": "grad.flatten(2)"},
            jax_manual={"9 * [grad / counts(x)]": "9 * [grad]"},
        ),
    ),
]  # fmt: skip

FAULTS: list[Fault] = [*CONVOLUTION, *BATCH_NORM, *STATISTICS, *POOLING]
