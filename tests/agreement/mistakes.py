"""Mistakes to plant: what is replaced in which rung, and what the examination must say of it.

A mistake is a list of (old, new); each old text stands in the rung exactly once. ``verdict`` is what must
come out, ``found`` what the reason must contain: for ``disagree`` the task, the forced step and the tensor.
``dtypes`` are the precisions in which it can be seen: some are lost in float32's own rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

BOTH = ("float32", "float64")
SHARP = ("float64",)


@dataclass(frozen=True)
class Mistake:
    name: str
    workload: str
    case: str
    rung: str
    changes: tuple[tuple[str, str], ...]
    verdict: str
    found: str
    dtypes: tuple[str, ...] = BOTH

    @property
    def framework(self) -> str:
        return self.rung.split("_")[0]

    def __str__(self) -> str:
        return f"{self.workload}/{self.rung}: {self.name}"


def _in(where: str, rung: str, *rows: tuple) -> list[Mistake]:
    """Rows of (name, old, new or a list of both, verdict, found[, dtypes]) of one rung on one case."""
    workload, case = where.split(":")
    made = []
    for name, *change, verdict, found, dtypes in (r if r[-1] in (BOTH, SHARP) else (*r, BOTH) for r in rows):
        changes = tuple(change[0]) if len(change) == 1 else (tuple(change),)
        made.append(Mistake(name, workload, case, rung, changes, verdict, found, dtypes))
    return made


STEP = "state, loss = train_step(state, x, y, learning_rate)"
LOSS = 'return steps["loss"], {'

NUMPY = [
    *_in(
        "two_layer:tiny", "numpy_manual",
        # mathematics
        ("no factor 2", "grad_y_pred = 2 * (", "grad_y_pred = (", "disagree", "trace, step 0: grad_y_pred["),
        ("half the loss", "loss = np.square(", "loss = 0.5 * np.square(", "disagree", "trace, step 0: loss is"),
        ("mean for sum", "np.square(y_pred - y).sum()", "np.square(y_pred - y).mean()",
         "disagree", "trace, step 0: loss is"),
        ("the gate forgotten", "grad_h = np.where(h > 0, grad_h_relu, 0)", "grad_h = grad_h_relu",
         "disagree", "trace, step 0: grad_h["),
        ("a leaky relu", "h_relu = np.maximum(h, 0)\n    y_pred", "h_relu = np.maximum(h, 1e-6 * h)\n    y_pred",
         "disagree", "trace, step 0: h_relu[", SHARP),
        ("a gradient off by a millionth", "grad_w1 = x.T @ grad_h", "grad_w1 = 1.000001 * (x.T @ grad_h)",
         "disagree", "trace, step 0: grad_w1[", SHARP),
        ("one element of a gradient", "grad_w2 = h_relu.T @ grad_y_pred\n",
         "grad_w2 = h_relu.T @ grad_y_pred\n    grad_w2[2, 1] *= 1.0001\n",
         "disagree", "trace, step 0: grad_w2[2, 1]"),
        ("rows swapped", "grad_w2 = h_relu.T @ grad_y_pred\n",
         "grad_w2 = (h_relu.T @ grad_y_pred)[[1, 0, 2, 3, 4]]\n", "disagree", "trace, step 0: grad_w2["),
        ("targets shifted by a row", "loss = np.square(y_pred - y)", "loss = np.square(y_pred - np.roll(y, 1, 0))",
         "disagree", "trace, step 0: loss is"),
        ("the last row dropped", "h = x @ w1", "h = x[:-1] @ w1", "invalid", "trace: h has shape (3, 5), expected (4, 5)"),
        ("the last row of the loss dropped", "np.square(y_pred - y).sum()", "np.square(y_pred - y)[:-1].sum()",
         "disagree", "trace, step 0: loss is"),
        ("half precision inside", "h = x @ w1", 'h = (x.astype("f2") @ w1.astype("f2")).astype(x.dtype)',
         "disagree", "trace, step 0: h["),
        # the update
        ("the sign swapped", "state[name] - learning_rate *", "state[name] + learning_rate *",
         "disagree", "train_step, step 0: w1["),
        ("weight decay", "state[name] - learning_rate *", "(1 - 1e-6) * state[name] - learning_rate *",
         "disagree", "train_step, step 0: w1["),
        ("the rate off by 1e-5", "- learning_rate *", "- 1.00001 * learning_rate *",
         "disagree", "train_step, step 0: w", SHARP),
        ("w2 never updated", "for name in state}", 'for name in state} | {"w2": state["w2"]}',
         "disagree", "train_step, step 0: w2["),
        ("grad_w1 from the updated w2", "    state = {name: state[name] - learning_rate * grads[name] for name in state}\n",
         '    state = state | {"w2": state["w2"] - learning_rate * grads["w2"]}\n'
         "    _, grads = loss_and_grads(state, x, y)\n"
         '    state = state | {"w1": state["w1"] - learning_rate * grads["w1"]}\n',
         "disagree", "train_step, step 0: w1["),
        ("the loss after the update", "for name in state}\n", "for name in state}\n    loss, _ = loss_and_grads(state, x, y)\n",
         "disagree", "train_step, step 0: loss is"),
        ("step 7 skipped", STEP, f"before = state\n        {STEP}\n        state = before if len(losses) == 6 else state",
         "disagree", "train, step 6: w"),
        ("the losses of another order", "np.stack(losses)", "np.stack(losses[::-1])", "disagree", "train, step 0: losses[0]"),
        # life
        ("computed once, then kept", "def loss_and_grads(state, x, y):\n    steps = trace(state, x, y)",
         "KEPT = {}\n\ndef loss_and_grads(state, x, y):\n    steps = KEPT or trace(state, x, y)\n    KEPT.update(steps)",
         "disagree", "loss_and_grads, step 1: loss is"),
        ("the state changed by a look", LOSS, f'state["w1"][0, 0] += 1\n    {LOSS}',
         "disagree", "loss_and_grads, step 0: w1[0, 0]"),
        ("the caller's input changed", "# Loss\n", "x *= 2\n", "disagree", "the caller's input was modified"),
        ("export is not the inverse of adopt", "def export(state):\n    return dict(state)",
         "def export(state):\n    return {name: 2 * w for name, w in state.items()}",
         "disagree", "adopt and export are not inverse"),
        # the contract
        ("NaN", "    y_pred = h_relu @ w2", "    y_pred = h_relu @ w2 * np.nan", "invalid", "trace, step 0: y_pred[0, 0] is nan"),
        ("infinity at one place", "    grad_w1 = x.T @ grad_h", "    grad_w1 = x.T @ grad_h\n    grad_w1[7, 4] = np.inf",
         "invalid", "trace, step 0: grad_w1[7, 4] is inf"),
        ("loss is no number of ours", LOSS, 'return steps["loss"].item(), {',
         "invalid", "loss must be the framework's own array, but float is no NumPy array"),
        ("loss has a dimension", LOSS, 'return steps["loss"].reshape(1), {',
         "invalid", "loss_and_grads: loss has shape (1,), expected ()"),
        ("float64 returned", LOSS, 'return np.float64(steps["loss"]), {',
         "invalid", "loss_and_grads: loss is float64, expected float32", ("float32",)),
        ("float32 returned", LOSS, 'return np.float32(steps["loss"]), {',
         "invalid", "loss_and_grads: loss is float32, expected float64", SHARP),
        ("a promoted update", "- learning_rate *", "- np.float64(learning_rate) *",
         "invalid", "w1 is float64, expected float32", ("float32",)),
        ("gradients under other names", '{"w1": steps["grad_w1"], "w2"', '{"grad_w1": steps["grad_w1"], "w2"',
         "invalid", "loss_and_grads: gradients: names ['grad_w1', 'w2'], expected ['w1', 'w2']"),
        ("gradients in a list", '{"w1": steps["grad_w1"], "w2": steps["grad_w2"]}', 'list(steps)',
         "invalid", "the gradients are list, expected a dict"),
        ("an output forgotten", 'return steps["loss"], {"w1": steps["grad_w1"], "w2": steps["grad_w2"]}',
         'return steps["loss"]', "invalid", "loss_and_grads returned float"),
        ("an intermediate of one's own", '"h": h, "h_relu"', '"hidden": h, "h_relu"', "invalid", "trace returned 'hidden'"),
        ("a loss too few", "np.stack(losses)", "np.stack(losses[:-1] or losses)",
         "invalid", "train: losses has shape (1,), expected (2,)"),
        ("no adopt", "def adopt(", "def adopted(", "invalid", "no adopt"),
        ("no export", "def export(", "def exported(", "invalid", "no export"),
        ("no training task", [("def train_step(", "def step("), ("def train(", "def many(")],
         "invalid", "no training task; the workload has train_step, train"),
        ("a mistake of Python's", "h = x @ w1", "h = x @ w3", "crashed", "NameError: name 'w3' is not defined (numpy_manual.py:"),
    ),
    *_in(
        "manual_backprop:worked_example", "numpy_manual",
        ("w2 not transposed", "grad_y_in @ w2.T", "grad_y_in @ w2", "disagree", "trace, step 0: grad_h_sigmoid["),
        ("w1 transposed", "h = x @ w1 + b1", "h = x @ w1.T + b1", "disagree", "trace, step 0: h["),
        ("the derivative at the net input", "grad_y_pred * y_pred * (1 - y_pred)", "grad_y_pred * y_in * (1 - y_in)",
         "disagree", "trace, step 0: grad_y_in["),
        ("a bias forgotten", "y_in = h_sigmoid @ w2 + b2", "y_in = h_sigmoid @ w2", "disagree", "trace, step 0: y_in["),
    ),
    *_in(
        "linear_output:worked_example", "numpy_manual",
        ("a bias that is not trained", "for name in state}\n    return state, loss",
         'for name in state} | {"b1": state["b1"]}\n    return state, loss', "disagree", "train_step, step 0: b1["),
    ),
    *_in(
        "scalar_relu:worked_example", "numpy_manual",
        ("a neuron's weights mixed up", "h2 = x1 * w1[0, 1] + x2 * w1[1, 1]", "h2 = x1 * w1[1, 1] + x2 * w1[0, 1]",
         "disagree", "trace, step 0: h2 is"),
    ),
    *_in(
        "mnist_mlp:sample", "numpy_manual",
        ("pixels over 256", "/ 255 - mean", "/ 256 - mean", "disagree", "evaluate, step 0: mean_loss is", SHARP),
        ("labels shifted by one", "train_step(state, x, labels[batch]", "train_step(state, x, labels[batch - 1]",
         "disagree", "train_epoch, step 0: losses[0]"),
        ("the last image of a batch dropped", "for batch in order:", "for batch in order[:, :-1]:",
         "disagree", "train_epoch, step 0: losses[0]"),
        ("the order ignored", "for batch in order:", "for batch in np.arange(order.size).reshape(order.shape):",
         "disagree", "train_epoch, step 0: losses[0]"),
        ("the same batch for ever", "for batch in order:", "for batch in order[[0] * len(order)]:",
         "disagree", "train_epoch, step 1: losses[0]"),
        ("momentum forgotten by adopt", "def adopt(params):\n    return dict(params)",
         'def adopt(params):\n    return {name: w for name, w in params.items() if name[:4] != "mome"}',
         "disagree", "momentum_step, step 1: w1["),
        ("momentum forgotten by export", "def export(state):\n    return dict(state)",
         'def export(state):\n    return {name: w for name, w in state.items() if name[:4] != "mome"}',
         "invalid", "export: names ["),
        ("Adam's step forgotten by adopt", "def adopt(params):\n    return dict(params)",
         'def adopt(params):\n    return {name: w for name, w in params.items() if name != "adam_step"}',
         "disagree", "adam_step, step 1: adam_step"),
        ("dampening", "0 * grad) + grad\n        state[f\"momentum", "0 * grad) + (1 - momentum) * grad\n        state[f\"momentum",
         "disagree", "momentum_step, step 0: w1["),
        ("Nesterov", "learning_rate * velocity", "learning_rate * (grad + momentum * velocity)",
         "disagree", "momentum_step, step 0: w1["),
        ("eps inside the root", "(np.sqrt(v_hat) + eps)", "np.sqrt(v_hat + eps)", "disagree", "adam_step, step 0: w1["),
        ("no bias correction", "m / (1 - beta1**step), v / (1 - beta2**step)", "m, v", "disagree", "adam_step, step 0: w1["),
        ("not divided by the rows", "grad / len(y)", "grad", "disagree", "trace, step 0: grad_logits["),
        ("label smoothing", "grad[rows, y] -= 1\n", "grad[rows, y] -= 1 - 1e-6\n", "disagree", "trace, step 0: grad_logits["),
    ),
]  # fmt: skip

TORCH = [
    *_in(
        "two_layer:tiny", "torch_manual",
        ("no factor 2", "grad_y_pred = 2 * (", "grad_y_pred = (", "disagree", "trace, step 0: grad_y_pred["),
        ("step 7 skipped", STEP, "state, loss = train_step(state, x, y, learning_rate * (len(losses) != 6))",
         "disagree", "train, step 6: w"),
        ("bfloat16 inside", "y_pred = h_relu @ w2\n\n    # Loss", "y_pred = (h_relu.bfloat16() @ w2.bfloat16()).to(x.dtype)\n\n    # Loss",
         "disagree", "trace, step 0: y_pred["),
    ),
    *_in(
        "two_layer:tiny", "torch_autograd",
        ("half the loss", "loss = (y_pred - y)", "loss = 0.5 * (y_pred - y)", "disagree", "trace, step 0: loss is"),
        ("the sign swapped", ".sub_(grad, alpha", ".add_(grad, alpha", "disagree", "train_step, step 0: w1["),
        ("a number for a tensor", LOSS, 'return steps["loss"].item(), {', "invalid", "loss must be the framework's own array"),
        ("NumPy for a tensor", LOSS, 'return steps["loss"].numpy(), {',
         "invalid", "but ndarray is no torch.Tensor"),
        ("float64 returned", LOSS, 'return steps["loss"].double(), {',
         "invalid", "loss is float64, expected float32", ("float32",)),
        ("the caller's input changed", "# Loss\n", "with torch.no_grad():\n        x.mul_(2)\n\n    # Loss\n",
         "disagree", "the caller's input was modified"),
    ),
    *_in(
        "two_layer:tiny", "torch_nn",
        ("gradients add up", "    state.zero_grad()\n\n    # Forward", "    # Forward", "disagree", "loss_and_grads, step 0: grad_w1["),
        ("adopt keeps what it has", "assign=True", "assign=False", "disagree", "export"),
    ),
    *_in(
        "two_layer:tiny", "torch_optim",
        ("gradients add up", "    optimizer.zero_grad()\n", "", "disagree", "train_step, step 0: w1["),
        ("the rate of the start", '        group["lr"] = learning_rate', "        pass",
         "disagree", "train_step, step 0: w1["),
    ),
    *_in(
        "mnist_mlp:sample", "torch_manual",
        ("labels shifted by one", "labels[batch], learning_rate", "labels[batch] - 1, learning_rate",
         "disagree", "train_epoch, step 0: losses[0]"),
        ("the mean forgotten", ".sub_(mean)", "", "disagree", "evaluate, step 0: mean_loss is"),
    ),
    *_in(
        "mnist_mlp:sample", "torch_optim",
        ("momentum forgotten by adopt", 'if f"momentum/{name}" in params', "if False",
         "disagree", "momentum_step, step 1: w1["),
    ),
]  # fmt: skip

TENSORFLOW = [
    *_in(
        "two_layer:tiny", "tensorflow_function",
        ("half the loss", "loss = tf.reduce_sum(tf.square(", "loss = 0.5 * tf.reduce_sum(tf.square(",
         "disagree", "trace, step 0: loss is"),
        ("the sign swapped", "w.assign_sub(", "w.assign_add(", "disagree", "train_step, step 0: w1["),
        ("the graph forgets a step", "for i in tf.range(steps):", "for i in tf.range(steps):\n        learning_rate *= tf.cast(i != 6, x.dtype)",
         "disagree", "train, step 6: w"),
        ("NaN", "losses.stack()", "losses.stack() * float('nan')", "invalid", "losses[0] is nan"),
    ),
    *_in(
        "two_layer:tiny", "tensorflow_graph",
        ("no factor in the graph", "tf.reduce_sum(tf.square(y_pred - y))", "tf.reduce_mean(tf.square(y_pred - y))",
         "disagree", "trace, step 0: loss is"),
        ("variables not started", "    state.session.run(state.initialise", "    state.session.run([]",
         "crashed", "FailedPreconditionError"),
    ),
    *_in(
        "mnist_mlp:sample", "tensorflow_function",
        ("labels shifted by one", "tf.gather(labels, order[i])", "tf.gather(labels, order[i] - 1)",
         "disagree", "train_epoch, step 0: losses[0]"),
        ("momentum left out", "momentum * velocity + grad", "grad", "disagree", "momentum_step, step 1: w1["),
    ),
]  # fmt: skip

JAX = [
    *_in(
        "two_layer:tiny", "jax_manual",
        ("no factor 2", "grad_y_pred = 2 * (", "grad_y_pred = (", "disagree", "trace, step 0: grad_y_pred["),
    ),
    *_in(
        "two_layer:tiny", "jax_grad",
        ("mean for sum", "jnp.square(y_pred - y).sum()", "jnp.square(y_pred - y).mean()",
         "disagree", "loss_and_grads, step 0: loss is"),
        ("the sign swapped", "w - learning_rate * grad", "w + learning_rate * grad", "disagree", "train_step, step 0: w1["),
        ("loss has a dimension", "loss_and_grads = jax.jit(jax.value_and_grad(loss_fn))",
         "def loss_and_grads(state, x, y):\n    loss, grads = jax.value_and_grad(loss_fn)(state, x, y)\n    return loss[None], grads",
         "invalid", "loss_and_grads: loss has shape (1,), expected ()"),
    ),
    *_in(
        "two_layer:tiny", "jax_scan",
        ("the scan skips a step", [("def step(state, _):", "def step(state, i):"),
         ("train_step(state, x, y, learning_rate)", "train_step(state, x, y, learning_rate * (i != 6))"),
         ("state, length=steps", "state, jax.numpy.arange(steps)")], "disagree", "train, step 6: w"),
    ),
    *_in(
        "manual_backprop:worked_example", "jax_manual",
        ("w2 not transposed", "grad_y_in @ w2.T", "grad_y_in @ w2", "disagree", "trace, step 0: grad_h_sigmoid["),
    ),
    *_in(
        "mnist_mlp:sample", "jax_manual",
        ("pixels over 256", "/ 255 - mean", "/ 256 - mean", "disagree", "evaluate, step 0: mean_loss is", SHARP),
    ),
    *_in(
        "mnist_mlp:sample", "jax_scan",
        ("the order ignored", "step, state, order)", "step, state, jax.numpy.arange(order.size).reshape(order.shape))",
         "disagree", "train_epoch, step 0: losses[0]"),
    ),
]  # fmt: skip

MISTAKES = [*NUMPY, *TORCH, *TENSORFLOW, *JAX]
