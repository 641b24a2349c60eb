"""Faults for two_layer, from the first product to the many-step tasks.

In an expression T stands for the tensor that is changed, `w` and `grad` for a weight and its gradient.
A tape has no lines for the backward pass, so TensorFlow's patch goes in where the tape runs through.
"""

from __future__ import annotations

from tests.evidence.faults import (
    Changes,
    after_the_step,
    faults_of,
    framework_of,
    put,
    remembered,
    same,
    written_for,
)

fault = faults_of("two_layer")

BY_HAND = ("numpy_manual", "torch_manual", "jax_manual")
TAPE = "tensorflow_function"
HOSTS = (*BY_HAND, TAPE)

# A tensor -> the text beside which it is there to be changed, and whether that text comes after it.
SPOTS = {
    "h": ("    h = x @ w1\n", False),
    "h_relu": ("    y_pred = h_relu @ w2\n", True),
    "y_pred": ("    y_pred = h_relu @ w2\n", False),
    "loss": ("\n    # Backward pass", True),
    "grad_y_pred": ("    grad_w2 = h_relu.T", True),
    "grad_w2": ("    grad_h_relu = grad_y_pred @", True),
    "grad_h_relu": ("    grad_h = ", True),
    "grad_h": ("    grad_w1 = x.T", True),
    "grad_w1": ("\n    return {\n", True),
}
TAPE_LOSS = '\n    return {"h": h, '
PLAYED_BACK = "return loss, tape.gradient(loss, state)"
GATE = "h_relu = tf.nn.relu(h)  #"


def on_the_tape(tensor: str, new: str) -> dict[str, str]:
    """Return the patch that makes T ``new`` in TensorFlow: T itself, or the gradient that flows back."""
    new = written_for("tensorflow", new)
    if tensor in ("grad_w1", "grad_w2"):
        mine = f'grads["{tensor[5:]}"]'
        line = f"    {mine} = {put(new, {'T': mine})}\n"
        return {PLAYED_BACK: f"grads = tape.gradient(loss, state)\n{line}    return loss, grads"}
    if tensor == "loss":
        return {TAPE_LOSS: f"    loss = {put(new, {'T': 'loss'})}\n{TAPE_LOSS}"}
    name = tensor.removeprefix("grad_")
    if name != tensor:
        backward = f"lambda {tensor}: {put(new, {'T': tensor})}"
        line = f"    {name} = tf.custom_gradient(lambda {name}: (tf.identity({name}), {backward}))({name})\n"
    else:
        line = f"    {name} = {put(new, {'T': name})}\n"
    old, before = SPOTS[name]
    return {old: line + old if before else old + line}


def becomes(tensor: str, new: str, tape: str | None = None) -> Changes:
    """Return the changes that replace T, once it is computed, by ``new`` (``tape``: TensorFlow's own code)."""
    old, before = SPOTS[tensor]
    line = f"    {tensor} = {put(new, {'T': tensor})}\n"
    return same({old: line + old if before else old + line}, *BY_HAND) | {
        TAPE: on_the_tape(tensor, tape or new)
    }


PRODUCTS = {
    "h": ("x @ w1", "h = product(x, w1"),
    "y_pred": ("h_relu @ w2", "y_pred = product(h_relu, w2"),
    "grad_w2": ("h_relu.T @ grad_y_pred", "y_pred = product(h_relu, w2, to_w=lambda grad_y_pred: "),
    "grad_h_relu": ("grad_y_pred @ w2.T", "y_pred = product(h_relu, w2, to_a=lambda grad_y_pred: "),
    "grad_w1": ("x.T @ grad_h", "h = product(x, w1, to_w=lambda grad_h: "),
}


def computed(tensor: str, new: str) -> Changes:
    """Return the changes that compute a product as ``new``."""
    old, tape = PRODUCTS[tensor]
    line = {f"    {tensor} = {old}\n": f"    {tensor} = {new}\n"}
    if tensor in ("h", "y_pred"):
        return same(line, *HOSTS)
    forward = "h = x @ w1\n" if tensor == "grad_w1" else "y_pred = h_relu @ w2\n"
    return same(line, *BY_HAND) | {TAPE: {forward: f"{tape}{written_for('tensorflow', new)})\n"}}


def each_product(form: str) -> list[tuple[str, str, Changes]]:
    """Return (name, tensors, changes) of each product with its operands in a form, as "half({})"."""
    rows = []
    for tensor, (old, _) in PRODUCTS.items():
        new = " @ ".join(form.format(operand) for operand in old.split(" @ "))
        shown = " grad_w1" if tensor == "grad_h_relu" else ""
        rows.append((f"{old.replace('.T', ' transposed')}", tensor + shown, computed(tensor, new)))
    return rows


def gate(new: str) -> Changes:
    """Return the changes that make the relu's gradient ``new``, written in h and grad_h_relu."""
    backward = f"lambda grad_h_relu: {written_for('tensorflow', new)}"
    own = f"tf.custom_gradient(lambda h: (tf.nn.relu(h), {backward}))(h)"
    patch = {"grad_h = np.where(h > 0, grad_h_relu, 0)": f"grad_h = {new}"}
    return same(patch, *BY_HAND) | {TAPE: {GATE: f"h_relu = {own}  #"}}


def forward_gives(new: str, *rungs: str) -> Changes:
    """Return the changes of T, which `forward` returns; the other tasks do not call it."""
    old = 'h_relu @ state["w2"]'
    lines = f"    y_pred = {old}\n    return {put(new, {'T': 'y_pred'})}\n"
    return same({f"    return {old}\n": lines}, *rungs or HOSTS)


UPDATES = {
    "numpy": ("state[name] - learning_rate * grads[name]", "{}", "state[name]", "grads[name]"),
    "jax": ("state[name] - learning_rate * grads[name]", "{}", "state[name]", "grads[name]"),
    "torch": ("state[name].sub_(grad, alpha=learning_rate)", "state[name].copy_({})", "state[name]", "grad"),
    "tensorflow": ("w.assign_sub(learning_rate * grads[name])", "w.assign({})", "w", "grads[name]"),
}


def update(new: str, *rungs: str) -> Changes:
    """Return the changes of the updated parameter, written in w, grad, learning_rate and name."""
    changes = {}
    for rung in rungs or HOSTS:
        framework = framework_of(rung)
        old, form, w, grad = UPDATES[framework]
        changes[rung] = {old: form.format(put(written_for(framework, new), {"w": w, "grad": grad}))}
    return changes


def step_of_train(old_arguments: str, new: str, tape: str) -> Changes:
    """Return the changes of the arguments of one step inside `train`; i counts the steps."""
    new = put(new, {"i": "len(losses)"})
    patch = {f"train_step(state, {old_arguments})\n": f"train_step(state, {new})\n"}
    return same(patch, *BY_HAND) | {TAPE: {f"i, step(state, {old_arguments}))": f"i, step(state, {tape}))"}}


def rate_of_train(new: str, tape: str) -> Changes:
    return step_of_train("x, y, learning_rate", f"x, y, {new}", f"x, y, {tape}")


def after_train(new: str) -> Changes:
    """Return the changes of T, the losses that `train` returns."""
    tape = f"seen = losses.stack()\n    return {put(written_for('tensorflow', new), {'T': 'seen'})}"
    return same({"np.stack(losses)": put(new, {"T": "np.stack(losses)"})}, *BY_HAND) | {
        TAPE: {"return losses.stack()": tape}
    }


def in_turn(first: str, second: str) -> Changes:
    """Return the changes that update one parameter before the gradient of the other is computed."""
    one, other = f'"{first}"', f'"{second}"'
    old = "    state = {name: state[name] - learning_rate * grads[name] for name in state}\n"
    plain = (
        f"    state = state | {{{one}: state[{one}] - learning_rate * grads[{one}]}}\n"
        "    _, grads = loss_and_grads(state, x, y)\n"
        f"    state = state | {{{other}: state[{other}] - learning_rate * grads[{other}]}}\n"
    )
    torch = (
        f"    state[{one}].sub_(learning_rate * grads[{one}])\n"
        "    _, grads = loss_and_grads(state, x, y)\n"
        f"    state[{other}].sub_(learning_rate * grads[{other}])  #"
    )
    tape = torch.replace("sub_", "assign_sub").removesuffix("  #") + "\n"
    return same({old: plain}, "numpy_manual", "jax_manual") | {
        "torch_manual": {
            "    for name, grad in grads.items():\n"
            "        state[name].sub_(grad, alpha=learning_rate)  #": torch
        },
        TAPE: {
            "    for name, w in state.items():\n        w.assign_sub(learning_rate * grads[name])\n": tape,
        },
    }


LOSS = [
    fault("the loss is halved", "factor", "loss", becomes("loss", "0.5 * T")),
    fault("the loss is off by a millionth", "factor", "loss", becomes("loss", "(1 + 1e-6) * T")),
    fault(
        "the mean of the squares, not their sum", "mean", "loss",
        becomes("loss", "T / (y.shape[0] * y.shape[1])"),
    ),
    fault("the mean over the rows", "mean", "loss", becomes("loss", "T / y.shape[0]")),
    fault(
        "absolute errors for their squares", "other", "loss",
        becomes("loss", "np.sum(np.abs(y_pred - y))"),
    ),
    fault("the root of the loss", "other", "loss", becomes("loss", "np.sqrt(T)")),
    fault(
        "the last row is not in the loss", "missing row", "loss",
        becomes("loss", "np.sum(np.square(y_pred[:-1] - y[:-1]))"),
    ),
    fault(
        "the last column is not in the loss", "missing row", "loss",
        becomes("loss", "np.sum(np.square(y_pred[:, :-1] - y[:, :-1]))"),
    ),
    fault(
        "the targets are shifted by a row", "targets", "loss",
        becomes("loss", "np.sum(np.square(y_pred - np.roll(y, 1, 0)))"),
    ),
    fault(
        "the columns of the targets are rolled", "targets", "loss",
        becomes("loss", "np.sum(np.square(y_pred - np.roll(y, 1, 1)))"),
    ),
    fault(
        "the targets with the other sign", "targets", "loss",
        becomes("loss", "np.sum(np.square(y_pred + y))"),
    ),
    fault(
        "the targets rounded to half precision", "precision", "loss",
        becomes("loss", "np.sum(np.square(y_pred - half(y)))"),
    ),
    fault("the loss comes out in bfloat16", "precision", "loss", becomes("loss", "rounded(T, 8)")),
    fault(
        "the squares are summed in float32 under a float64 label", "precision", "loss",
        becomes("loss", "back(np.sum(np.square(single(y_pred - y))), y)"),
    ),
    fault("the loss has a cap", "cap", "loss", becomes("loss", "np.clip(T, 0, 1e20)")),
    fault("a small number is added to the loss", "cap", "loss", becomes("loss", "T + 1e-12")),
    fault(
        "large errors count linearly", "cap", "loss",
        becomes(
            "loss",
            "np.sum(np.where(np.abs(y_pred - y) < 1e9, np.square(y_pred - y), 1e9 * np.abs(y_pred - y)))",
        ),
    ),
    fault(
        "NaN is left out of the loss", "behaviour", "loss",
        becomes("loss", "np.sum(no_nan(np.square(y_pred - y)))"),
    ),
    fault(
        "the loss holds a penalty on w1", "decay", "loss",
        becomes("loss", "T + 1e-6 * np.sum(np.square(w1))"),
    ),
    fault(
        "the loss of the step before", "stale", "loss",
        after_the_step('LAST["loss"], loss = loss, LAST.get("loss", loss)'),
    ),
    fault(
        "the loss after the update", "updated weights", "loss",
        after_the_step("loss, _ = loss_and_grads(state, x, y)"),
    ),
]  # fmt: skip

FORWARD = [
    *(
        fault(f"TF32 in {name}", "precision", tensors, changes)
        for name, tensors, changes in each_product("rounded({}, 11)")
    ),
    *(
        fault(f"bfloat16 in {name}", "precision", tensors, changes)
        for name, tensors, changes in each_product("rounded({}, 8)")
    ),
    *(
        fault(f"half precision in {name}", "precision", tensors, changes)
        for name, tensors, changes in each_product("half({})")
    ),
    fault("TF32 by cutting bits off", "precision", "h", computed("h", "truncated(x) @ truncated(w1 + 0)")),
    fault("float64 inside x @ w1", "precision", "h", computed("h", "back(double(x) @ double(w1), x)")),
    fault(
        "float32 inside x @ w1 under a float64 label", "precision", "h",
        computed("h", "back(single(x) @ single(w1), x)"),
    ),
    fault("h comes out in half precision", "precision", "h", becomes("h", "half(T)")),
    fault("h_relu is kept in bfloat16", "precision", "h_relu", becomes("h_relu", "rounded(T, 8)")),
    fault("the columns of x are rolled", "order", "h", computed("h", "np.roll(x, 1, 1) @ w1")),
    fault("the rows of x are rolled", "order", "h", computed("h", "np.roll(x, 1, 0) @ w1")),
    fault("the last input is left out", "missing row", "h", computed("h", "x[:, :-1] @ w1[:-1]")),
    fault(
        "w1 is reshaped to its transposed shape and transposed", "transposed", "h",
        computed("h", "x @ np.reshape(w1.T, w1.shape)"),
    ),
    fault("one element of h", "element", "h", becomes("h", "nudge(T, 1, 2, 1.0001)")),
    fault("one element of w1 as h sees it", "element", "h", computed("h", "x @ nudge(w1, 2, 1, 1.0001)")),
    fault("a bias of a millionth", "other", "h", becomes("h", "T + 1e-6")),
    fault(
        "NaN in x becomes 0", "behaviour", "y_pred h", computed("h", "no_nan(x) @ w1"),
        same({'x @ state["w1"]': 'no_nan(x) @ state["w1"]'}, *HOSTS),
    ),
    fault("the first w1 for ever", "stale", "h", computed("h", "x @ keep(w1)")),
    fault("the first h for ever", "stale", "h", becomes("h", "keep(T)")),
    fault("a leaky relu of a millionth", "gate", "h_relu", becomes("h_relu", "np.maximum(h, 1e-6 * h)")),
    fault("a leaky relu of a hundredth", "gate", "h_relu", becomes("h_relu", "np.maximum(h, 0.01 * h)")),
    fault("no relu", "gate", "h_relu", becomes("h_relu", "h")),
    fault("the absolute value for the relu", "gate", "h_relu", becomes("h_relu", "np.abs(h)")),
    fault("the relu has a cap", "cap", "h_relu", becomes("h_relu", "np.clip(T, 0, 1e6)")),
    fault(
        "the relu has a threshold", "cap", "h_relu",
        becomes("h_relu", "np.where(h > 1e-9, h, 0 * h)"),
    ),
    fault(
        "the relu takes NaN for 0", "behaviour", "y_pred h_relu",
        becomes("h_relu", "np.where(h > 0, h, np.zeros_like(h))"),
    ),
    fault("the units are rolled", "order", "h_relu", becomes("h_relu", "np.roll(T, 1, 1)")),
    fault(
        "y_pred is off by a millionth", "factor", "y_pred", becomes("y_pred", "1.000001 * T"),
    ),
    fault("y_pred has a cap", "cap", "y_pred", becomes("y_pred", "np.clip(T, -1e9, 1e9)")),
    fault("two rows of y_pred are swapped", "order", "y_pred", becomes("y_pred", "swap_rows(T)")),
    fault("one element of y_pred", "element", "y_pred", becomes("y_pred", "nudge(T, 1, 2, 1.0001)")),
    fault(
        "the last unit is left out", "missing row", "y_pred",
        computed("y_pred", "h_relu[:, :-1] @ w2[:-1]"),
    ),
    fault("the first w2 for ever", "stale", "y_pred", computed("y_pred", "h_relu @ keep(w2)")),
    fault("NaN in y_pred becomes 0", "behaviour", "y_pred", becomes("y_pred", "no_nan(T)")),
    fault("forward alone in bfloat16", "precision", "y_pred", forward_gives("rounded(T, 8)")),
    fault("forward alone off by a millionth", "factor", "y_pred", forward_gives("1.000001 * T")),
    fault(
        "forward without the relu", "gate", "y_pred",
        same({'h_relu @ state["w2"]': 'x @ state["w1"] @ state["w2"]'}, *HOSTS),
    ),
    fault("forward rolls the rows", "order", "y_pred", forward_gives("np.roll(T, 1, 0)")),
    fault(
        "forward gives its first result again", "stale", "y_pred",
        forward_gives("keep(T)", *BY_HAND),
        {TAPE: {
            "@tf.function  # traced once for each shape and dtype: "
            "variables are arguments, whichever they are\ndef forward(state, x):\n": (
                "def forward(state, x):\n    return keep(predicted(state, x))\n\n\n"
                "@tf.function\ndef predicted(state, x):\n"
            ),
        }},
    ),
    fault(
        "forward changes the state", "behaviour", "w1",
        same(
            {'    h = x @ state["w1"]\n': (
                '    h = x @ state["w1"]\n    state["w1"] = 1.001 * state["w1"]\n'
            )},
            "numpy_manual", "jax_manual",
        ),
        {
            "torch_manual": {
                '    h = x @ state["w1"]\n': '    h = x @ state["w1"]\n    state["w1"].mul_(1.001)\n',
            },
            TAPE: {
                '    return h_relu @ state["w2"]\n': (
                    '    state["w1"].assign(1.001 * state["w1"])\n    return h_relu @ state["w2"]\n'
                ),
            },
        },
    ),
    fault(
        "the caller's x is changed in place", "behaviour", "x",
        # Tensors of JAX and TensorFlow 2 cannot be changed; a session is fed arrays, which can
        {
            "numpy_manual": {"    # Loss\n": "    x *= 2\n"},
            "torch_manual": {"    # Loss\n": "    x.mul_(2)\n"},
            "tensorflow_graph": {
                '    return state.session.run(state.seen["y_pred"], {state.x: x})\n': (
                    '    y_pred = state.session.run(state.seen["y_pred"], {state.x: x})\n'
                    "    x *= 2\n    return y_pred\n"
                ),
            },
        },
    ),
    fault(
        "the caller's y is changed in place", "behaviour", "y",
        {
            "numpy_manual": {'steps = trace(state, x, y)\n': "steps = trace(state, x, y)\n    y -= 1\n"},
            "torch_manual": {'steps = trace(state, x, y)\n': "steps = trace(state, x, y)\n    y.sub_(1)\n"},
            "tensorflow_graph": {
                "    return state.session.run(wanted, {state.x: x, state.y: y})\n": (
                    "    results = state.session.run(wanted, {state.x: x, state.y: y})\n"
                    "    y -= 1\n    return results\n"
                ),
            },
        },
    ),
]  # fmt: skip

BACKWARD = [
    fault("no factor 2 in the gradient", "factor", "grad_y_pred grad_w1", becomes("grad_y_pred", "0.5 * T")),
    fault(
        "the gradient of the mean", "mean", "grad_y_pred grad_w1",
        becomes("grad_y_pred", "T / y.shape[0]"),
    ),
    fault(
        "grad_y_pred is off by a millionth", "factor", "grad_y_pred grad_w1",
        becomes("grad_y_pred", "1.000001 * T"),
    ),
    fault("grad_y_pred with the other sign", "factor", "grad_y_pred grad_w1", becomes("grad_y_pred", "-T")),
    fault(
        "grad_y_pred is clipped", "cap", "grad_y_pred grad_w1",
        becomes("grad_y_pred", "np.clip(T, -1e7, 1e7)"),
    ),
    fault(
        "small errors give no gradient", "cap", "grad_y_pred grad_w1",
        becomes("grad_y_pred", "np.where(np.abs(T) < 1e-8, np.zeros_like(T), T)"),
    ),
    fault(
        "one element of grad_y_pred", "element", "grad_y_pred grad_w1",
        becomes("grad_y_pred", "nudge(T, 1, 2, 1.0001)"),
    ),
    fault(
        "two rows of grad_y_pred are swapped", "order", "grad_y_pred grad_w1",
        becomes("grad_y_pred", "swap_rows(T)"),
    ),
    fault(
        "the targets of the gradient are shifted by a row", "targets", "grad_y_pred grad_w1",
        becomes("grad_y_pred", "T + 2 * (y - np.roll(y, 1, 0))"),
    ),
    fault("grad_w2 is off by a millionth", "factor", "grad_w2", becomes("grad_w2", "1.000001 * T")),
    fault("one element of grad_w2", "element", "grad_w2", becomes("grad_w2", "nudge(T, 2, 1, 1.0001)")),
    fault("two rows of grad_w2 are swapped", "order", "grad_w2", becomes("grad_w2", "swap_rows(T)")),
    fault("the columns of grad_w2 are rolled", "order", "grad_w2", becomes("grad_w2", "np.roll(T, 1, 1)")),
    fault(
        "grad_w2 is transposed and read row by row", "transposed", "grad_w2",
        becomes("grad_w2", "np.reshape(T.T, T.shape)"),
    ),
    fault(
        "the last row is not in grad_w2", "missing row", "grad_w2",
        computed("grad_w2", "h_relu.T[:, :-1] @ grad_y_pred[:-1]"),
    ),
    fault(
        "grad_w2 is a mean over the rows", "mean", "grad_w2",
        becomes("grad_w2", "T / y.shape[0]", "T / y.shape[0]"),
    ),
    fault("grad_w2 from h before the relu", "gate", "grad_w2", computed("grad_w2", "h.T @ grad_y_pred")),
    fault(
        "grad_w2 holds a penalty", "decay", "grad_w2",
        becomes("grad_w2", "T + 1e-6 * w2", 'T + 1e-6 * state["w2"]'),
    ),
    fault(
        "grad_w2 comes out in half precision", "precision", "grad_w2",
        becomes("grad_w2", "half(T / 1024) * 1024"),
    ),
    fault(
        "grad_w2 is clipped by its norm", "cap", "grad_w2",
        becomes("grad_w2", "T / np.maximum(norm(T) / 1e15, 0 * norm(T) + 1)"),
    ),
    fault(
        "w2 is reshaped where it should be transposed", "transposed", "grad_h_relu grad_w1",
        computed("grad_h_relu", "grad_y_pred @ np.reshape(w2, w2.shape[::-1])"),
    ),
    fault(
        "grad_h_relu is off by a millionth", "factor", "grad_h_relu grad_w1",
        becomes("grad_h_relu", "1.000001 * T"),
    ),
    fault(
        "one element of w2 on the way back", "element", "grad_h_relu grad_w1",
        computed("grad_h_relu", "grad_y_pred @ nudge(w2.T, 1, 2, 1.0001)"),
    ),
    fault("the first w2 for ever on the way back", "stale", "grad_h_relu", same(
        {"grad_h_relu = grad_y_pred @ w2.T\n": "grad_h_relu = grad_y_pred @ keep(w2).T\n"}, *BY_HAND
    )),
    fault("the gate is forgotten", "gate", "grad_h grad_w1", gate("grad_h_relu")),
    fault(
        "the gate is the wrong way round", "gate", "grad_h grad_w1",
        gate("np.where(h > 0, np.zeros_like(h), grad_h_relu)"),
    ),
    fault(
        "the gate leaks a millionth", "gate", "grad_h grad_w1",
        gate("np.where(h > 0, grad_h_relu, 1e-6 * grad_h_relu)"),
    ),
    fault(
        "the gate has a threshold", "cap", "grad_h grad_w1",
        gate("np.where(h > 1e-9, grad_h_relu, np.zeros_like(h))"),
    ),
    fault(
        "the gate of the row before", "gate", "grad_h grad_w1",
        gate("np.where(np.roll(h, 1, 0) > 0, grad_h_relu, np.zeros_like(h))"),
    ),
    fault(
        "the gate stops positive gradients too", "gate", "grad_h grad_w1",
        gate("np.where((h > 0) & (grad_h_relu < 0), grad_h_relu, np.zeros_like(h))"),
    ),
    fault(
        "the gate of the largest h is shut", "gate", "grad_h grad_w1",
        gate("np.where((h > 0) & (h < np.max(h)), grad_h_relu, np.zeros_like(h))"),
    ),
    fault(
        "the gate is open at 0", "convention", "grad_h grad_w1",
        gate("np.where(h >= 0, grad_h_relu, np.zeros_like(h))"),
        {
            "torch_autograd": {"h_relu = h.relu()  #": "h_relu = h.clamp(min=0)  #"},
            "tensorflow_graph": {"h_relu = tf.nn.relu(h)  #": "h_relu = tf.maximum(h, 0)  #"},
            "jax_custom_vjp": {"jnp.where(h > 0,": "jnp.where(h >= 0,"},
        },
    ),
    fault(
        "the gate is half open at 0", "convention", "grad_h grad_w1",
        gate("np.where(h > 0, grad_h_relu, np.where(h < 0, 0 * grad_h_relu, 0.5 * grad_h_relu))"),
        {
            "torch_autograd": {"h_relu = h.relu()  #": "h_relu = torch.maximum(h, torch.zeros_like(h))  #"},
            "jax_grad": {"jax.nn.relu(h)": "jnp.maximum(h, 0)"},
        },
    ),
    fault("grad_w1 is off by a millionth", "factor", "grad_w1", becomes("grad_w1", "1.000001 * T")),
    fault("grad_w1 is off by 3e-7", "factor", "grad_w1", becomes("grad_w1", "1.0000003 * T")),
    fault("one element of grad_w1", "element", "grad_w1", becomes("grad_w1", "nudge(T, 2, 1, 1.0001)")),
    fault("two rows of grad_w1 are swapped", "order", "grad_w1", becomes("grad_w1", "swap_rows(T)")),
    fault("the columns of grad_w1 are rolled", "order", "grad_w1", becomes("grad_w1", "np.roll(T, 1, 1)")),
    fault(
        "grad_w1 is transposed and read row by row", "transposed", "grad_w1",
        becomes("grad_w1", "np.reshape(T.T, T.shape)"),
    ),
    fault(
        "the last row is not in grad_w1", "missing row", "grad_w1",
        computed("grad_w1", "x.T[:, :-1] @ grad_h[:-1]"),
    ),
    fault(
        "the first row is not in grad_w1", "missing row", "grad_w1",
        computed("grad_w1", "x.T[:, 1:] @ grad_h[1:]"),
    ),
    fault("grad_w1 is a mean over the rows", "mean", "grad_w1", becomes("grad_w1", "T / y.shape[0]")),
    fault("grad_w1 comes out in bfloat16", "precision", "grad_w1", becomes("grad_w1", "rounded(T, 8)")),
    fault(
        "grad_w1 comes through float32 under a float64 label", "precision", "grad_w1",
        becomes("grad_w1", "back(single(T), T)"),
    ),
    fault(
        "small elements of grad_w1 become 0", "cap", "grad_w1",
        becomes("grad_w1", "np.where(np.abs(T) < 1e-10, np.zeros_like(T), T)"),
    ),
    fault(
        "the elements of grad_w1 have a cap", "cap", "grad_w1",
        becomes("grad_w1", "np.clip(T, -1e10, 1e10)"),
    ),
    fault(
        "computed once, then kept", "stale", "loss",
        remembered('loss, grads = SUMS.setdefault(tuple(x.shape), (loss, grads))\nreturn loss, grads'),
    ),
    fault(
        "kept for as long as x is the same object", "stale", "loss",
        remembered("_, loss, grads = SUMS.setdefault(id(x), (x, loss, grads))\nreturn loss, grads"),
    ),
    fault(
        "the gradients of the call before", "stale", "w1 grad_w1",
        remembered(
            "before = SUMS.get(tuple(x.shape), grads)\nSUMS[tuple(x.shape)] = grads\nreturn loss, before"
        ),
    ),
    fault(
        "gradients add up", "stale", "w1 grad_w1 grad_w2",
        remembered(
            "for name, grad in grads.items():\n"
            "    SUMS[name, tuple(x.shape)] = SUMS.get((name, tuple(x.shape)), 0 * grad) + grad\n"
            "return loss, {name: SUMS[name, tuple(x.shape)] for name in grads}"
        ),
        {
            "torch_nn": {"    state.zero_grad()\n\n    # Forward": "    # Forward"},
            "torch_optim": {"    optimizer.zero_grad()\n": ""},
        },
    ),
]  # fmt: skip

UPDATE = [
    fault("weight decay of a millionth", "decay", "w1", update("(1 - 1e-6) * w - learning_rate * grad")),
    fault(
        "weight decay inside the gradient", "decay", "w1 w2",
        update("w - learning_rate * (grad + 0.1 * w)"),
    ),
    fault("the rate is off by 1e-5", "rate", "w1 w2", update("w - 1.00001 * learning_rate * grad")),
    fault("the rate is off by a millionth", "rate", "w1 w2", update("w - 1.000001 * learning_rate * grad")),
    fault("the rate is doubled", "rate", "w1", update("w - 2 * learning_rate * grad")),
    fault("uphill", "rate", "w1", update("w + learning_rate * grad")),
    fault("the rate is divided by the rows", "rate", "w1", update("w - learning_rate / x.shape[0] * grad")),
    fault(
        "the rate comes through half precision", "rate", "w1 w2",
        update("w - float(np.float16(learning_rate)) * grad", "numpy_manual", "jax_manual"),
        update("w - torch.tensor(learning_rate).half().item() * grad", "torch_manual"),
        update("w - half(learning_rate) * grad", TAPE),
    ),
    fault(
        "the rate comes through float32 under a float64 label", "rate", "w1 w2",
        update("w - float(np.float32(learning_rate)) * grad", "numpy_manual", "jax_manual"),
        update("w - torch.tensor(learning_rate, dtype=torch.float32).item() * grad", "torch_manual"),
        update("w - back(single(learning_rate), w) * grad", TAPE),
    ),
    fault(
        "the rate of the first call for ever", "rate", "w1",
        same(
            {"def train_step(state, x, y, learning_rate):\n": (
                "RATES = []\n\n\ndef train_step(state, x, y, learning_rate):\n"
                "    RATES.append(learning_rate)\n    learning_rate = RATES[0]\n"
            )},
            *HOSTS,
        ),
    ),
    fault(
        "w2 is never updated", "stale", "w2",
        update('w - (0 if name == "w2" else learning_rate) * grad'),
    ),
    fault(
        "w1 is never updated", "stale", "w1",
        update('w - (0 if name == "w1" else learning_rate) * grad'),
    ),
    fault(
        "twice the rate for w2", "rate", "w2",
        update('w - (2 if name == "w2" else 1) * learning_rate * grad'),
    ),
    fault("one weight is not updated", "element", "w1", update("w - learning_rate * nudge(grad, 2, 1, 0)")),
    fault("the rows of the update are swapped", "order", "w1", update("w - learning_rate * swap_rows(grad)")),
    fault("the sign of the gradient alone", "optimiser", "w1", update("w - learning_rate * np.sign(grad)")),
    fault(
        "the gradient divided by its norm", "optimiser", "w1",
        update("w - learning_rate * grad / norm(grad)"),
    ),
    fault("the new weights in bfloat16", "precision", "w1", update("rounded(w - learning_rate * grad, 8)")),
    fault("the new weights in half precision", "precision", "w1", update("half(w - learning_rate * grad)")),
    fault(
        "the new weights come through float32 under a float64 label", "precision", "w1",
        update("back(single(w - learning_rate * grad), w)"),
    ),
    fault(
        "the step in half precision", "precision", "w1 w2",
        update("w - learning_rate * 1024 * half(grad / 1024)"),
    ),
    fault("grad_w1 from the updated w2", "updated weights", "w1", in_turn("w2", "w1")),
    fault("grad_w2 from the updated w1", "updated weights", "w2", in_turn("w1", "w2")),
    fault(
        "momentum leaks in", "optimiser", "w1",
        update("w - learning_rate * leak(name, grad)", *BY_HAND),
        {TAPE: {
            "    return state, update(state, x, y, tf.constant(learning_rate, x.dtype))\n": (
                "    before = {name: tf.identity(w) for name, w in state.items()}\n"
                "    loss = update(state, x, y, tf.constant(learning_rate, x.dtype))\n"
                "    for name, w in state.items():\n"
                "        w.assign(before[name] + leak(name, w - before[name]))\n"
                "    return state, loss\n"
            ),
        }},
    ),
    fault(
        "the gradient ahead of the step", "updated weights", "w1",
        same(
            {"    loss, grads = loss_and_grads(state, x, y)\n": (
                "    loss, grads = loss_and_grads(state, x, y)\n"
                "    ahead = {name: state[name] - learning_rate * grads[name] for name in state}\n"
                "    _, grads = loss_and_grads(ahead, x, y)\n"
            )},
            *BY_HAND,
        ),
        {TAPE: {
            "    for name, w in state.items():\n": (
                "    for name, w in state.items():\n        w.assign_sub(learning_rate * grads[name])\n"
                "    _, ahead = loss_and_grads(state, x, y)\n"
                "    for name, w in state.items():\n        w.assign_add(learning_rate * grads[name])\n"
                "    grads = ahead\n    for name, w in state.items():\n"
            ),
        }},
    ),
    fault(
        "each step is made twice", "other", "w1",
        update("w - learning_rate * grad - learning_rate * grad"),
    ),
]  # fmt: skip

TRAIN = [
    fault(
        "step 7 is skipped", "stale", "w1",
        rate_of_train("learning_rate * (i != 6)", "learning_rate * tf.cast(i != 6, x.dtype)"),
        {"jax_scan": {
            "def step(state, _):": "def step(state, i):",
            "train_step(state, x, y, learning_rate)": "train_step(state, x, y, learning_rate * (i != 6))",
            "state, length=steps": "state, jax.numpy.arange(steps)",
        }},
    ),
    fault(
        "the rate falls by 1e-5 a step", "rate", "w1 w2",
        rate_of_train("learning_rate * (1 - 1e-5 * i)", "learning_rate * (1 - 1e-5 * tf.cast(i, x.dtype))"),
    ),
    fault(
        "warm-up: the first step is half a step", "rate", "w1",
        rate_of_train(
            "learning_rate * (0.5 if i == 0 else 1)",
            "learning_rate * tf.where(i == 0, tf.constant(0.5, x.dtype), tf.constant(1, x.dtype))",
        ),
    ),
    fault(
        "the targets of training are shifted by a row", "targets", "losses",
        step_of_train(
            "x, y, learning_rate", "x, np.roll(y, 1, 0), learning_rate", "x, tf.roll(y, 1, 0), learning_rate"
        ),
    ),
    fault(
        "training leaves out the last row", "missing row", "losses",
        step_of_train(
            "x, y, learning_rate", "x[:-1], y[:-1], learning_rate", "x[:-1], y[:-1], learning_rate"
        ),
    ),
    fault(
        "training sees x in half precision", "precision", "losses",
        step_of_train("x, y, learning_rate", "half(x), y, learning_rate", "half(x), y, learning_rate"),
    ),
    fault("the losses of another order", "order", "losses", after_train("np.roll(T, 1, 0)")),
    fault("the first loss for ever", "stale", "losses", after_train("0 * T + T[0]")),
    fault("the losses in half precision", "precision", "losses", after_train("65536 * half(T / 65536)")),
    fault("the mean of the losses so far", "mean", "losses", after_train("0 * T + np.mean(T)")),
    fault(
        "training makes one step too many", "other", "w1",
        same(
            {"    return state, np.stack(losses)\n": (
                "    state, _ = train_step(state, x, y, learning_rate)\n    return state, np.stack(losses)\n"
            )},
            *BY_HAND,
        ),
        {TAPE: {
            "    return losses.stack()\n": (
                "    update(state, x, y, learning_rate)\n    return losses.stack()\n"
            ),
        }},
    ),
    fault(
        "training goes on from the last call", "stale", "losses",
        same(
            {
                "    losses = []\n": "    state = ENDS.get(tuple(x.shape), state)\n    losses = []\n",
                "    return state, np.stack(losses)\n": (
                    "    ENDS[tuple(x.shape)] = state\n    return state, np.stack(losses)\n"
                ),
                "def train(": "ENDS = {}\n\n\ndef train(",
            },
            *BY_HAND,
        ),
        {TAPE: {
            "def train(state, x, y, learning_rate, steps):\n": (
                "ENDS = {}\n\n\ndef train(state, x, y, learning_rate, steps):\n"
                "    state = ENDS.setdefault(tuple(x.shape), state)\n"
            ),
        }},
    ),
]  # fmt: skip

FAULTS = [*LOSS, *FORWARD, *BACKWARD, *UPDATE, *TRAIN]
