"""Mistakes to plant: what is replaced in which rung, and what the examination must say of it.

A row is (name, {old: new, ...}, found) and, where a mistake is not seen in both, the precisions in which it
is: some are lost in float32's own rounding. Each old text stands in the rung exactly once. ``found`` is what
the reason must contain: for `disagree` the task, the forced step and the first tensor that is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

BOTH = ("float32", "float64")
SHARP = ("float64",)
SINGLE = ("float32",)


@dataclass(frozen=True)
class Mistake:
    workload: str
    case: str
    rung: str
    verdict: str
    name: str
    changes: dict[str, str]
    found: str
    dtypes: tuple[str, ...] = BOTH

    @property
    def framework(self) -> str:
        return self.rung.split("_")[0]

    def __str__(self) -> str:
        return f"{self.workload}/{self.rung}: {self.name}"


def _in(where: str, verdict: str, rows: tuple[tuple, ...]) -> list[Mistake]:
    place, rung = where.split("/")
    return [Mistake(*place.split(":"), rung, verdict, *row) for row in rows]


def disagree(where: str, *rows: tuple) -> list[Mistake]:
    return _in(where, "disagree", rows)


def invalid(where: str, *rows: tuple) -> list[Mistake]:
    return _in(where, "invalid", rows)


def crashed(where: str, *rows: tuple) -> list[Mistake]:
    return _in(where, "crashed", rows)


NUMPY = [
    *disagree(
        "two_layer:tiny/numpy_manual",
        ("no factor 2", {"grad_y_pred = 2 * (": "grad_y_pred = ("}, "trace, step 0: grad_y_pred["),
        ("half the loss", {"loss = np.square(": "loss = 0.5 * np.square("}, "trace, step 0: loss is"),
        (
            "mean for sum",
            {"np.square(y_pred - y).sum()": "np.square(y_pred - y).mean()"},
            "trace, step 0: loss is",
        ),
        (
            "the gate forgotten",
            {"grad_h = np.where(h > 0, grad_h_relu, 0)": "grad_h = grad_h_relu"},
            "trace, step 0: grad_h[",
        ),
        (
            "a leaky relu",
            {"h_relu = np.maximum(h, 0)\n    y_pred": "h_relu = np.maximum(h, 1e-6 * h)\n    y_pred"},
            "trace, step 0: h_relu[",
        ),
        (
            "a gradient off by a millionth",
            {"grad_w1 = x.T @ grad_h": "grad_w1 = 1.000001 * (x.T @ grad_h)"},
            "trace, step 0: grad_w1",
        ),
        (
            "one element of a gradient",
            {"grad_w1 = x.T @ grad_h\n": "grad_w1 = x.T @ grad_h\n    grad_w2[2, 1] *= 1.0001\n"},
            "trace, step 0: grad_w2[2, 1]",
        ),
        (
            "rows swapped",
            {"grad_w2 = h_relu.T @ grad_y_pred\n": "grad_w2 = (h_relu.T @ grad_y_pred)[[1, 0, 2, 3, 4]]\n"},
            "trace, step 0: grad_w2[",
        ),
        (
            "targets shifted by a row",
            {"loss = np.square(y_pred - y)": "loss = np.square(y_pred - np.roll(y, 1, 0))"},
            "trace, step 0: loss is",
        ),
        (
            "the last row of the loss dropped",
            {"np.square(y_pred - y).sum()": "np.square(y_pred - y)[:-1].sum()"},
            "trace, step 0: loss is",
        ),
        (
            "half precision inside",
            {"h = x @ w1": 'h = (x.astype("f2") @ w1.astype("f2")).astype(x.dtype)'},
            "trace, step 0: h[",
        ),
        (
            "the sign swapped",
            {"state[name] - learning_rate *": "state[name] + learning_rate *"},
            "train_step, step 0: w1[",
        ),
        (
            "weight decay",
            {"state[name] - learning_rate *": "(1 - 1e-6) * state[name] - learning_rate *"},
            "train_step, step 0: w1[",
        ),
        (
            "the rate off by 1e-5",
            {"- learning_rate *": "- 1.00001 * learning_rate *"},
            "train_step, step 0: w",
        ),
        (
            "w2 never updated",
            {"for name in state}": 'for name in state} | {"w2": state["w2"]}'},
            "train_step, step 0: w2[",
        ),
        (
            "grad_w1 from the updated w2",
            {
                ("    state = {name: state[name] - learning_rate * grads[name] for name in state}\n"): (
                    '    state = state | {"w2": state["w2"] - learning_rate * grads["w2"]}\n'
                    "    _, grads = loss_and_grads(state, x, y)\n"
                    '    state = state | {"w1": state["w1"] - learning_rate * grads["w1"]}\n'
                )
            },
            "train_step, step 0: w1[",
        ),
        (
            "the loss after the update",
            {"for name in state}\n": "for name in state}\n    loss, _ = loss_and_grads(state, x, y)\n"},
            "train_step, step 0: loss is",
        ),
        (
            "step 7 skipped",
            {
                "state, loss = train_step(state, x, y, learning_rate)": (
                    "before = state\n"
                    "        state, loss = train_step(state, x, y, learning_rate)\n"
                    "        state = before if len(losses) == 6 else state"
                )
            },
            "train, step 7: losses[7]",
        ),
        (
            "the losses of another order",
            {"np.stack(losses)": "np.stack(losses[::-1])"},
            "train, step 0: losses[0]",
        ),
        (
            "computed once, then kept",
            {
                "def loss_and_grads(state, x, y):\n    steps = trace(state, x, y)": (
                    "KEPT = {}\n"
                    "\n"
                    "def loss_and_grads(state, x, y):\n"
                    "    steps = KEPT or trace(state, x, y)\n"
                    "    KEPT.update(steps)"
                )
            },
            "loss_and_grads, step 1: loss is",
        ),
        (
            "the state changed by a look",
            {'return steps["loss"], {': 'state["w1"][0, 0] += 1\n    return steps["loss"], {'},
            "loss_and_grads, step 0: w1[0, 0]",
        ),
        ("the caller's input changed", {"# Loss\n": "x *= 2\n"}, "the caller's input was modified"),
        (
            "export is not the inverse of adopt",
            {
                "def export(state):\n    return dict(state)": (
                    "def export(state):\n    return {name: 2 * w for name, w in state.items()}"
                )
            },
            "adopt and export are not inverse",
        ),
    ),
    *disagree(
        "manual_backprop:worked_example/numpy_manual",
        ("w2 not transposed", {"grad_y_in @ w2.T": "grad_y_in @ w2"}, "trace, step 0: grad_h_sigmoid["),
        ("w1 transposed", {"h = x @ w1 + b1": "h = x @ w1.T + b1"}, "trace, step 0: h["),
        (
            "the derivative at the net input",
            {"grad_y_pred * y_pred * (1 - y_pred)": "grad_y_pred * y_in * (1 - y_in)"},
            "trace, step 0: grad_y_in[",
        ),
        ("a bias forgotten", {"y_in = h_sigmoid @ w2 + b2": "y_in = h_sigmoid @ w2"}, "trace, step 0: y_in["),
    ),
    *disagree(
        "linear_output:worked_example/numpy_manual",
        (
            "a bias that is not trained",
            {"in state}\n    return state, loss": 'in state} | {"b1": state["b1"]}\n    return state, loss'},
            "train_step, step 0: b1[",
        ),
    ),
    *disagree(
        "scalar_relu:worked_example/numpy_manual",
        (
            "a neuron's weights mixed up",
            {"h2 = x1 * w1[0, 1] + x2 * w1[1, 1]": "h2 = x1 * w1[1, 1] + x2 * w1[0, 1]"},
            "trace, step 0: h2 is",
        ),
    ),
    *disagree(
        "mnist_mlp:sample[batch=20,hidden=20]/numpy_manual",
        ("pixels over 256", {"/ 255 - mean": "/ 256 - mean"}, "evaluate, step 0: mean_loss"),
        (
            "labels shifted by one",
            {"train_step(state, x, labels[batch]": "train_step(state, x, labels[batch - 1]"},
            "train_epoch, step 0: losses[0]",
        ),
        (
            "the last image of a batch dropped",
            {"for batch in order:": "for batch in order[:, :-1]:"},
            "train_epoch, step 0: ",
        ),
        (
            "the order ignored",
            {"for batch in order:": "for batch in np.arange(order.size).reshape(order.shape):"},
            "train_epoch, step 0: losses[0]",
        ),
        (
            "the same batch for ever",
            {"for batch in order:": "for batch in order[[0] * len(order)]:"},
            "train_epoch, step 1: losses[1]",
        ),
        (
            "momentum forgotten by adopt",
            {
                "def adopt(params):\n    return dict(params)": (
                    "def adopt(params):\n"
                    '    return {name: w for name, w in params.items() if "momentum" not in name}'
                )
            },
            "momentum_step, step 1: w1[",
        ),
        (
            "Adam's step forgotten by adopt",
            {
                "def adopt(params):\n    return dict(params)": (
                    "def adopt(params):\n"
                    '    return {name: w for name, w in params.items() if name != "adam_step"}'
                )
            },
            "adam_step, step 1: w1[",
        ),
        (
            "dampening",
            {
                "velocity = momentum * state": "velocity = grad - momentum * grad + momentum * state",
                '/{name}", 0 * grad) + grad\n': '/{name}", 0 * grad)\n',
            },
            "momentum_step, step 0: w1[",
        ),
        (
            "Nesterov",
            {"learning_rate * velocity": "learning_rate * (grad + momentum * velocity)"},
            "momentum_step, step 0: w1[",
        ),
        (
            "eps inside the root",
            {"(np.sqrt(v_hat) + eps)": "np.sqrt(v_hat + eps)"},
            "adam_step, step 0: w1[",
        ),
        (
            "no bias correction",
            {"m / (1 - beta1**step), v / (1 - beta2**step)": "m, v"},
            "adam_step, step 0: w1[",
        ),
        ("not divided by the rows", {"grad / len(y)": "grad"}, "trace, step 0: grad_logits["),
        (
            "label smoothing",
            {"grad[rows, y] -= 1\n": "grad[rows, y] -= 1 - 1e-6\n"},
            "trace, step 0: grad_logits",
        ),
    ),
    *invalid(
        "two_layer:tiny/numpy_manual",
        (
            "a row missing",
            {'"h": h, "h_relu"': '"h": h[:-1], "h_relu"'},
            "trace: h has shape (3, 5), expected (4, 5)",
        ),
        (
            "NaN",
            {"    y_pred = h_relu @ w2": "    y_pred = h_relu @ w2 * np.nan"},
            "trace, step 0: y_pred[0, 0] is nan",
        ),
        (
            "infinity at one place",
            {"    grad_w1 = x.T @ grad_h": "    grad_w1 = x.T @ grad_h\n    grad_w1[7, 4] = np.inf"},
            "trace, step 0: grad_w1[7, 4] is inf",
        ),
        (
            "loss is no number of ours",
            {'return steps["loss"], {': 'return steps["loss"].item(), {'},
            "loss must be the framework's own array, but float is not a NumPy array",
        ),
        (
            "loss has a dimension",
            {'return steps["loss"], {': 'return steps["loss"].reshape(1), {'},
            "loss_and_grads: loss has shape (1,), expected ()",
        ),
        (
            "float64 returned",
            {'return steps["loss"], {': 'return np.float64(steps["loss"]), {'},
            "loss_and_grads: loss is float64, expected float32",
            SINGLE,
        ),
        (
            "float32 returned",
            {'return steps["loss"], {': 'return np.float32(steps["loss"]), {'},
            "loss_and_grads: loss is float32, expected float64",
            SHARP,
        ),
        (
            "a promoted update",
            {"- learning_rate *": "- np.float64(learning_rate) *"},
            "w1 is float64, expected float32",
            SINGLE,
        ),
        (
            "gradients under other names",
            {'{"w1": steps["grad_w1"], "w2"': '{"grad_w1": steps["grad_w1"], "w2"'},
            "loss_and_grads: gradients: names ['grad_w1', 'w2'], expected ['w1', 'w2']",
        ),
        (
            "gradients in a list",
            {'{"w1": steps["grad_w1"], "w2": steps["grad_w2"]}': "list(steps)"},
            "the gradients are list, expected a dict",
        ),
        (
            "an output forgotten",
            {', {"w1": steps["grad_w1"], "w2": steps["grad_w2"]}': ""},
            "loss_and_grads returned float",
        ),
        (
            "an intermediate of one's own",
            {'"h": h, "h_relu"': '"hidden": h, "h_relu"'},
            "trace returned 'hidden'",
        ),
        (
            "a loss too few",
            {"np.stack(losses)": "np.stack(losses[:-1] or losses)"},
            "train: losses has shape (1,), expected (2,)",
        ),
        ("no adopt", {"def adopt(": "def adopted("}, "no adopt"),
        ("no export", {"def export(": "def exported("}, "no export"),
        (
            "no task",
            {
                "def forward(": "def forwards(",
                "def loss_and_grads(": "def gradients(",
                "def train_step(": "def step(",
                "def train(": "def many(",
            },
            "no task; the workload has forward, loss_and_grads, train_step, train",
        ),
    ),
    *invalid(
        "mnist_mlp:sample[batch=20,hidden=20]/numpy_manual",
        (
            "momentum forgotten by export",
            {
                "def export(state):\n    return dict(state)": (
                    "def export(state):\n"
                    '    return {name: w for name, w in state.items() if "momentum" not in name}'
                )
            },
            "export: names [",
            SHARP,
        ),
    ),
    *crashed(
        "two_layer:tiny/numpy_manual",
        (
            "a mistake of Python's",
            {"h = x @ w1": "h = x @ w3"},
            "NameError: name 'w3' is not defined (numpy_manual.py:",
        ),
    ),
]

TORCH = [
    *disagree(
        "two_layer:tiny/torch_manual",
        ("no factor 2", {"grad_y_pred = 2 * (": "grad_y_pred = ("}, "trace, step 0: grad_y_pred["),
        (
            "step 7 skipped",
            {
                "train_step(state, x, y, learning_rate)\n ": (
                    "train_step(state, x, y, learning_rate * (len(losses) != 6))\n "
                )
            },
            "train, step 7: losses[7]",
        ),
        ("the caller's input changed", {"# Loss\n": "x.mul_(2)\n"}, "the caller's input was modified"),
        (
            "bfloat16 inside",
            {"y_pred = h_relu @ w2\n": "y_pred = (h_relu.bfloat16() @ w2.bfloat16()).to(x.dtype)\n"},
            "trace, step 0: y_pred[",
        ),
    ),
    *disagree(
        "two_layer:tiny/torch_autograd",
        ("half the loss", {"loss = (y_pred - y)": "loss = 0.5 * (y_pred - y)"}, "trace, step 0: loss is"),
        ("the sign swapped", {".sub_(grad, alpha": ".add_(grad, alpha"}, "train_step, step 0: w1["),
    ),
    *disagree(
        "two_layer:tiny/torch_nn",
        (
            "gradients add up",
            {"    state.zero_grad()\n\n    # Forward": "    # Forward"},
            "loss_and_grads, step 0: grad_w1[",
        ),
    ),
    *disagree(
        "two_layer:tiny/torch_optim",
        ("gradients add up", {"    optimizer.zero_grad()\n": ""}, "train_step, step 0: w1["),
        (
            "the rate of the start",
            {'        group["lr"] = learning_rate': "        pass"},
            "train_step, step 0: w1[",
        ),
    ),
    *disagree(
        "mnist_mlp:sample[batch=20,hidden=20]/torch_manual",
        (
            "labels shifted by one",
            {"labels[batch], learning_rate": "labels[batch] - 1, learning_rate"},
            "train_epoch, step 0: losses[0]",
        ),
        ("the mean forgotten", {".sub_(mean)": ""}, "evaluate, step 0: mean_loss"),
    ),
    *disagree(
        "mnist_mlp:sample[batch=20,hidden=20]/torch_optim",
        (
            "momentum forgotten by adopt",
            {'if f"momentum/{name}" in params': "if False"},
            "momentum_step, step 1: w1[",
        ),
    ),
    *invalid(
        "two_layer:tiny/torch_autograd",
        (
            "a number for a tensor",
            {"return loss.detach(), {": "return loss.detach().item(), {"},
            "loss must be the framework's own array",
        ),
        (
            "NumPy for a tensor",
            {"return loss.detach(), {": "return loss.detach().numpy(), {"},
            "but ndarray is not a torch.Tensor",
        ),
        (
            "float64 returned",
            {"return loss.detach(), {": "return loss.detach().double(), {"},
            "loss is float64, expected float32",
            SINGLE,
        ),
    ),
]

TENSORFLOW = [
    *disagree(
        "two_layer:tiny/tensorflow_function",
        (
            "half the loss",
            {"loss = tf.reduce_sum(tf.square(": "loss = 0.5 * tf.reduce_sum(tf.square("},
            "trace, step 0: loss is",
        ),
        ("the sign swapped", {"w.assign_sub(": "w.assign_add("}, "train_step, step 0: w1["),
        (
            "the graph forgets a step",
            {
                "for i in tf.range(steps):": (
                    "for i in tf.range(steps):\n        learning_rate *= tf.cast(i != 6, x.dtype)"
                )
            },
            "train, step 7: losses[7]",
        ),
    ),
    *disagree(
        "two_layer:tiny/tensorflow_graph",
        (
            "no factor in the graph",
            {"tf.reduce_sum(tf.square(y_pred - y))": "tf.reduce_mean(tf.square(y_pred - y))"},
            "trace, step 0: loss is",
        ),
    ),
    *disagree(
        "mnist_mlp:sample[batch=20,hidden=20]/tensorflow_function",
        (
            "labels shifted by one",
            {"tf.gather(labels, order[i])": "tf.gather(labels, order[i] - 1)"},
            "train_epoch, step 0: losses[0]",
        ),
        ("momentum left out", {"momentum * velocity + grad": "grad"}, "momentum_step, step 1: w1["),
    ),
    *invalid(
        "two_layer:tiny/tensorflow_function",
        ("NaN", {"losses.stack()": "losses.stack() * float('nan')"}, "losses[0] is nan"),
    ),
    *crashed(
        "two_layer:tiny/tensorflow_graph",
        (
            "variables not started",
            {"    state.session.run(state.initialise": "    state.session.run([]"},
            "FailedPreconditionError",
        ),
    ),
]

JAX = [
    *disagree(
        "two_layer:tiny/jax_manual",
        ("no factor 2", {"grad_y_pred = 2 * (": "grad_y_pred = ("}, "trace, step 0: grad_y_pred["),
    ),
    *disagree(
        "two_layer:tiny/jax_grad",
        (
            "mean for sum",
            {"jnp.square(y_pred - y).sum()": "jnp.square(y_pred - y).mean()"},
            "loss_and_grads, step 0: loss is",
        ),
        (
            "the sign swapped",
            {"w - learning_rate * grad": "w + learning_rate * grad"},
            "train_step, step 0: w1[",
        ),
    ),
    *disagree(
        "two_layer:tiny/jax_scan",
        (
            "the scan skips a step",
            {
                "def step(state, _):": "def step(state, i):",
                "train_step(state, x, y, learning_rate)": "train_step(state, x, y, learning_rate * (i != 6))",
                "state, length=steps": "state, jax.numpy.arange(steps)",
            },
            "train, step 7: losses[7]",
        ),
    ),
    *disagree(
        "manual_backprop:worked_example/jax_manual",
        ("w2 not transposed", {"grad_y_in @ w2.T": "grad_y_in @ w2"}, "trace, step 0: grad_h_sigmoid["),
    ),
    *disagree(
        "mnist_mlp:sample[batch=20,hidden=20]/jax_manual",
        ("pixels over 256", {"/ 255 - mean": "/ 256 - mean"}, "evaluate, step 0: mean_loss"),
    ),
    *disagree(
        "mnist_mlp:sample[batch=20,hidden=20]/jax_scan",
        (
            "the order ignored",
            {"step, state, order)": "step, state, jax.numpy.arange(order.size).reshape(order.shape))"},
            "train_epoch, step 0: losses[0]",
        ),
    ),
    *invalid(
        "two_layer:tiny/jax_grad",
        (
            "loss has a dimension",
            {
                "loss_and_grads = jax.jit(jax.value_and_grad(loss_fn))": (
                    "def loss_and_grads(state, x, y):\n"
                    "    loss, grads = jax.value_and_grad(loss_fn)(state, x, y)\n"
                    "    return loss[None], grads"
                )
            },
            "loss_and_grads: loss has shape (1,), expected ()",
        ),
    ),
]

# One layer used 0 to 3 times: depth_3 and depth_2 use it so often in one pass, and then as the draws say.
SMALL = "[batch=6,d_in=20,hidden=8]"
DYNAMIC_NET = [
    *disagree(
        f"dynamic_net:depth_3{SMALL}/numpy_manual",
        (
            "the gradient of one use",
            {"grad_w2 = grad_w2 + seen": "grad_w2 = seen"},
            "trace, step 0: grad_w2[",
        ),
        (
            "one use too many",
            {"for _ in range(depth)": "for _ in range(depth + 1)"},
            "forward, step 0: y_pred[",
        ),
        (
            "the first depth for ever",
            {"for depth in depths:": "for depth in depths[:1].repeat(len(depths)):"},
            "train, step 1: losses[1]",
        ),
        (
            "momentum forgotten where depth is 0",
            {
                "    state = dict(state)\n": (
                    "    state = dict(state)\n"
                    "    if depth == 0:\n"
                    '        state["momentum/w2"] = 0 * grads["w2"]\n'
                )
            },
            "train, step 1: w2[",
        ),
        (
            "no relu in the loop",
            {'seen[f"h{i}_relu"] = np.maximum(seen[f"h{i}"], 0)': 'seen[f"h{i}_relu"] = seen[f"h{i}"]'},
            "trace, step 0: h2_relu[",
        ),
    ),
    *disagree(
        f"dynamic_net:depth_3{SMALL}/torch_autograd",
        (
            "the gradient of one use",
            {'h_relu, state["w2"])': 'h_relu, state["w2"] if i == 2 else state["w2"].detach())'},
            "trace, step 0: grad_w2[",
        ),
        (
            "no relu in the loop",
            {'seen[f"h{i}_relu"] = torch.relu(seen[f"h{i}"])': 'seen[f"h{i}_relu"] = seen[f"h{i}"]'},
            "trace, step 0: h2_relu[",
        ),
    ),
    *disagree(
        f"dynamic_net:depth_3{SMALL}/torch_optim",
        (
            "one use too many",
            {"for _ in range(depth)": "for _ in range(depth + 1)"},
            "forward, step 0: y_pred[",
        ),
        (
            "the first depth for ever",
            {
                "for _ in range(depth)": "self.depth = getattr(self, 'depth', depth)\n"
                "        for _ in range(self.depth)"
            },
            "train, step 1: losses[1]",
        ),
        (
            "no momentum where there is no gradient",  # what zero_grad does by itself
            {
                "state.sgd.zero_grad(set_to_none=False)": "state.sgd.zero_grad()",
                "named(state.model).items()}\n\n\ndef train_step": (
                    "named(state.model).items() if p.grad is not None}\n\n\ndef train_step"
                ),
            },
            "train, step 1: w2[",
        ),
    ),
    *disagree(
        f"dynamic_net:depth_3{SMALL}/tensorflow_graph",
        ("one use too many", {"i < depth, use": "i <= depth, use"}, "forward, step 0: y_pred["),
        (
            "the first depth for ever",
            {"depths[i], *numbers": "depths[0], *numbers"},
            "train, step 1: losses[1]",
        ),
        (
            "the gradient of one use",
            {
                'tf.nn.relu(h_relu @ params["w2"]': (
                    'tf.nn.relu(h_relu @ tf.where(i == 0, params["w2"], tf.stop_gradient(params["w2"]))'
                )
            },
            "loss_and_grads, step 0: grad_w2[",
        ),
    ),
    *disagree(
        f"dynamic_net:depth_3{SMALL}/tensorflow_function",
        ("the first depth for ever", {"y, depths[i], l": "y, depths[0], l"}, "train, step 1: losses[1]"),
        (
            "momentum forgotten where depth is 0",
            {
                "velocity.assign(momentum * velocity + grad)": (
                    'kept = momentum * velocity * tf.cast(depth > 0 or name != "w2", grad.dtype)\n'
                    "        velocity.assign(kept + grad)"
                )
            },
            "train, step 1: w2[",
        ),
        (
            "no relu in the loop",
            {
                'h_relu = tf.nn.relu(h_relu @ state["w2"] + state["b2"])': (
                    'h_relu = h_relu @ state["w2"] + state["b2"]'
                )
            },
            "forward, step 0: y_pred[",
        ),
    ),
    *disagree(
        f"dynamic_net:depth_3{SMALL}/jax_grad",
        (
            "the first depth for ever",  # kept when the function is traced
            {
                "for _ in range(depth)": "for _ in range(KEPT.setdefault('depth', depth))",
                "def weights(": "KEPT = {}\n\n\ndef weights(",
            },
            "train, step 1: losses[1]",
        ),
    ),
    *disagree(
        f"dynamic_net:depth_3{SMALL}/jax_switch",
        ("a branch too few", {"range(DEEPEST + 1)": "range(DEEPEST)"}, "forward, step 0: y_pred["),
        (
            "the gradient of one use",
            {
                "for _ in range(times)": "for i in range(times)",
                'h_relu @ state["w2"]': (
                    'h_relu @ (jax.lax.stop_gradient(state["w2"]) if i else state["w2"])'
                ),
            },
            "loss_and_grads, step 0: grad_w2[",
        ),
        (
            "momentum forgotten where depth is 0",
            {
                "    loss, grads = loss_and_grads(": (
                    '    kept = state.get("momentum/w2", jnp.zeros_like(state["w2"]))\n'
                    '    state = state | {"momentum/w2": jnp.where(depth > 0, kept, 0)}\n'
                    "    loss, grads = loss_and_grads("
                )
            },
            "train, step 1: momentum/w2[",
        ),
    ),
    *disagree(
        f"dynamic_net:depth_2{SMALL}/jax_mask",
        ("one use too many", {"i < depth": "i <= depth"}, "loss_and_grads, step 0: loss is"),
        (
            "no relu in the loop",
            {'jax.nn.relu(h_relu @ state["w2"] + state["b2"])': 'h_relu @ state["w2"] + state["b2"]'},
            "forward, step 0: y_pred[",
        ),
    ),
]

MISTAKES = [*NUMPY, *TORCH, *TENSORFLOW, *JAX, *DYNAMIC_NET]
