"""Mistakes to plant in the workloads that train, in the form of `tests.agreement.mistakes`."""

from __future__ import annotations

from tests.agreement.mistakes import SHARP, disagree

LOSS_AFTER = {
    "    state = {name: state[name] - learning_rate * grads[name] for name in state}\n": (
        "    state = {name: state[name] - learning_rate * grads[name] for name in state}\n"
        "    loss, _ = loss_and_grads(state, x, y)\n"
    )
}
TORCH_LOSS_AFTER = {
    "in one pass\n    return state, loss": (
        "in one pass\n    loss, _ = loss_and_grads(state, x, y)\n    return state, loss"
    )
}

LINEAR_REGRESSION = [
    *disagree(
        "linear_regression:worked_example/numpy_manual",
        ("the loss after the update", LOSS_AFTER, "train_step, step 0: loss is"),
        (
            "the bias's gradient not summed",
            {"grad_b = grad_y_pred.sum()": "grad_b = grad_y_pred.mean()"},
            "trace, step 0: grad_b is",
        ),
        ("half the square", {"2 * (y_pred - y)": "(y_pred - y)"}, "trace, step 0: grad_y_pred["),
        (
            "the sum for the mean",
            {"np.square(y_pred - y).mean()": "np.square(y_pred - y).sum()"},
            "trace, step 0: loss is",
        ),
    ),
    *disagree(
        "linear_regression:worked_example/torch_manual",
        ("the loss after the update", TORCH_LOSS_AFTER, "train_step, step 0: loss is"),
    ),
    *disagree(
        "linear_regression:worked_example/torch_optim",
        (
            "dampening and momentum left on",
            {"SGD(model.parameters())": "SGD(model.parameters(), momentum=0.9, dampening=0.9)"},
            "train_step, step 1: w is",
        ),
        (
            "gradients that add up",
            {"    optimizer.zero_grad()\n": ""},
            "train_step, step 0: w is",
        ),
    ),
    *disagree(
        "linear_regression:worked_example/tensorflow_graph",
        (
            "a rate rounded to half precision",
            {
                "GradientDescentOptimizer(learning_rate)": (
                    "GradientDescentOptimizer(tf.cast(tf.cast(learning_rate, tf.float16), dtype))"
                )
            },
            "train_step, step 0: w is",
        ),
    ),
    *disagree(
        "linear_regression:worked_example/jax_grad",
        (
            "the sign of the update",
            {"p - learning_rate * g": "p + learning_rate * g"},
            "train_step, step 0: ",
        ),
    ),
]

QUADRATIC_FIT = [
    *disagree(
        "quadratic_fit:worked_example/numpy_manual",
        ("the loss after the update", LOSS_AFTER, "train_step, step 0: loss is"),
        (
            "x for x squared",
            {"(grad_y_pred * x**2).sum()": "(grad_y_pred * x).sum()"},
            "trace, step 0: grad_w is",
        ),
        ("the mean without its half", {"loss = 0.5 * np": "loss = np"}, "trace, step 0: loss is"),
    ),
    *disagree(
        "quadratic_fit:worked_example/sympy_symbolic",
        ("the gradient of the whole square", {"loss.diff(w)": "(2 * loss).diff(w)"}, "grad_w is"),
    ),
    *disagree(
        "quadratic_fit:worked_example/torch_function",
        (
            "the gradient not summed",
            {"(grad_y_pred * square).sum()": "(grad_y_pred * square).mean()"},
            "trace, step 0: grad_w is",
        ),
    ),
    *disagree(
        "quadratic_fit:parabola_fast/jax_custom_vjp",
        (
            "a slope off by a millionth",
            {"(grad_y_pred * x**2).sum()": "1.000001 * (grad_y_pred * x**2).sum()"},
            "grad_w is",
        ),
    ),
]

AUTOENCODER = [
    *disagree(
        "autoencoder:denoise/numpy_manual",
        (
            "the mean over the wrong axis",
            {"np.log1p(small)).mean()": "np.log1p(small)).mean(axis=0).sum()"},
            "trace, step 0: loss is",
        ),
        (
            "a bias's gradient not summed",
            {"grad_b2 = grad_logits.sum(axis=0)": "grad_b2 = grad_logits.mean(axis=0)"},
            "trace, step 0: grad_b2[",
        ),
        ("the rows alone in the mean", {"/ y.size": "/ len(y)"}, "trace, step 0: grad_logits["),
        (
            "the sigmoid's derivative once more",
            {"(y_pred - y) / y.size": "(y_pred - y) * y_pred * (1 - y_pred) / y.size"},
            "trace, step 0: grad_logits[",
        ),
        (
            "eps inside the root",
            {"(np.sqrt(v_hat) + eps)": "np.sqrt(v_hat + eps)"},
            "train_step, step 0: ",
        ),
        (
            "eps on the uncorrected root",
            {"(np.sqrt(v_hat) + eps)": "((np.sqrt(v) + eps) / (1 - beta2**step) ** 0.5)"},
            "train_step, step 0: ",
            SHARP,
        ),
        ("no correction of the first moment", {"m / (1 - beta1**step)": "m"}, "train_step, step 0: "),
        ("no correction of the second moment", {"v / (1 - beta2**step)": "v"}, "train_step, step 0: "),
        (
            "the square of the mean",
            {"(1 - beta2) * grad * grad": "(1 - beta2) * m * m"},
            "train_step, step 0: w1[",
        ),
        ("beta1 for beta2", {"v = beta2 *": "v = beta1 *"}, "train_step, step 1: "),
    ),
    *disagree(
        "autoencoder:soft_targets/numpy_manual",
        (
            "only what the ones cost",
            {"np.maximum(logits, 0) - logits * y": "np.maximum(-logits, 0) * y"},
            "trace, step 0: loss is",
        ),
    ),
    *disagree(
        "autoencoder:denoise/torch_autograd",
        (
            "probabilities clipped",
            {
                '    loss = F.binary_cross_entropy_with_logits(seen["logits"], y)\n': (
                    '    p = torch.sigmoid(seen["logits"]).clamp(1e-7, 1 - 1e-7)\n'
                    "    loss = -(y * p.log() + (1 - y) * (1 - p).log()).mean()\n"
                )
            },
            "probe large_logits",
        ),
    ),
    *disagree(
        "autoencoder:denoise/torch_optim",
        (
            "weight decay",
            {"Adam(model.parameters())": "Adam(model.parameters(), weight_decay=1e-6)"},
            "train_step, step 0: ",
        ),
        (
            "Nesterov's Adam",
            {"Adam(model.parameters())": "NAdam(model.parameters())"},
            "train_step, step 0: ",
        ),
        (
            "betas left as they were",
            {"betas=(beta1, beta2), ": "betas=(0.9, 0.99), "},
            "train_step, step 0: ",
        ),
    ),
    *disagree(
        "autoencoder:denoise/tensorflow_graph",
        (
            "TensorFlow's own Adam",
            {
                "update = declare_adam(grads, variables, learning_rate, beta1, beta2, eps)": (
                    "later = tf.cast(variables['adam_step'] + 1, tf.float64)\n"
                    "        update = declare_adam(grads, variables, learning_rate, beta1, beta2, "
                    "eps / tf.cast(tf.sqrt(1 - beta2**later), dtype))"
                )
            },
            "train_step, step 0: ",
            SHARP,
        ),
    ),
    *disagree(
        "autoencoder:denoise/jax_grad",
        (
            "the mean of the sums",
            {"softplus(-logits)).mean()": "softplus(-logits)).sum(axis=1).mean()"},
            "loss is",
        ),
        ("eps inside the root", {"(jnp.sqrt(v_hat) + eps)": "jnp.sqrt(v_hat + eps)"}, "train_step, step 0: "),
    ),
    *disagree(
        "autoencoder:denoise/tensorflow_function",
        ("no correction of the first moment", {"m / correction1": "m"}, "train_step, step 0: "),
    ),
]

NN_VARIANTS = [
    *disagree(
        "nn_variants:large_eps/numpy_manual",
        (
            "the other Adam",
            {"(np.sqrt(v_hat) + eps)": "(np.sqrt(v_hat) + eps / float(1 - beta2**step) ** 0.5)"},
            "adam_step, step 0: ",
        ),
        (
            "the corrected root in the other Adam",
            {"(np.sqrt(v) + eps)": "(np.sqrt(v) + eps * root)"},
            "adam_eps_hat_step, step 0: ",
        ),
    ),
    *disagree(
        "nn_variants:small/numpy_manual",
        (
            "dampening",
            {"0 * grad) + grad\n": "0 * grad) + (1 - momentum) * grad\n"},
            "momentum_train, step 0: ",
        ),
        (
            "nesterov",
            {"learning_rate * velocity  # a": "learning_rate * (grad + momentum * velocity)  # a"},
            "momentum_train, step 0: ",
        ),
        (
            "the rate inside the velocity",
            {
                "0 * grad) + grad\n": "0 * grad) + learning_rate * grad\n",
                '[f"momentum/{name}"] = velocity': '[f"momentum/{name}"] = velocity / learning_rate',
                "- learning_rate * velocity  #": "- velocity  #",
            },
            "momentum_train, step ",
        ),
        (
            "a bias's gradient not summed",
            {"grad_b1 = grad_h.sum(axis=0)": "grad_b1 = grad_h[0]"},
            "trace, step 0: grad_b1[",
        ),
        ("the step not counted", {" + 1)\n    for": " * 0 + 1)\n    for"}, "adam_step, step 1: "),
    ),
    *disagree(
        "nn_variants:small/torch_optim",
        (
            "nesterov",
            {"SGD(model.parameters())": "SGD(model.parameters(), nesterov=True, momentum=0.9)"},
            "momentum_train, step 0: ",
        ),
        (
            "dampening",
            {"lr=learning_rate, momentum=momentum": "lr=learning_rate, momentum=momentum, dampening=0.1"},
            "momentum_train, step 1: ",
        ),
        (
            "one rate for all",
            {"learning_rates.tolist()": "[learning_rates[0].item()] * len(learning_rates)"},
            "momentum_train, step 3: losses[3]",
        ),
        (
            "decoupled decay",
            {"Adam(model.parameters())": "AdamW(model.parameters(), weight_decay=1e-3)"},
            "adam_step, step 0: ",
        ),
    ),
    *disagree(
        "nn_variants:small/tensorflow_graph",
        (
            "the powers of the betas one step late",
            {"beta1**state.adam_step, ": "beta1**(state.adam_step + 1), "},
            "adam_eps_hat_step, step 0: ",
        ),
        (
            "nesterov",
            {"(learning_rate, momentum)": "(learning_rate, momentum, use_nesterov=True)"},
            "momentum_train, step 0: ",
        ),
    ),
    *disagree(
        "nn_variants:small/keras_optimizers",
        (
            "numbers as Python floats",
            {"setattr(optimizer, name, tf.constant(value, x.dtype))": "setattr(optimizer, name, value)"},
            "adam_eps_hat_step, step 0: ",
            SHARP,
        ),
        (
            "the mean of each row",
            {"tf.reduce_sum(tf.square(y_pred - y))": "keras.losses.MeanSquaredError('sum')(y, y_pred)"},
            "loss_and_grads, step 0: loss is",
        ),
    ),
    *disagree(
        "nn_variants:large_eps/keras_optimizers",
        (
            "Keras's Adam for the other",
            {"def train(": "def adam_step(*inputs):\n    return adam_eps_hat_step(*inputs)\n\n\ndef train("},
            "adam_step, step 0: ",
        ),
    ),
    *disagree(
        "nn_variants:small/jax_grad",
        (
            "the rate outside the velocity",
            {
                '- learning_rate * grad\n        state[f"inner': '- grad\n        state[f"inner',
                "state[name] += velocity": "state[name] += learning_rate * velocity",
            },
            "inner_momentum_train, step 0: ",
        ),
        ("eps inside the root", {"(jnp.sqrt(v_hat) + eps)": "jnp.sqrt(v_hat + eps)"}, "adam_step, step 0: "),
    ),
    *disagree(
        "nn_variants:small/tensorflow_function",
        (
            "the moments not corrected",
            {"(-tf.math.expm1(step * math.log(beta)) for beta in (beta1, beta2))": "(1.0, 1.0)"},
            "adam_step, step 0: ",
        ),
    ),
]

TRAINING = [*LINEAR_REGRESSION, *QUADRATIC_FIT, *AUTOENCODER, *NN_VARIANTS]
