"""Faults for mnist_mlp: the network, the data of an epoch, the optimisers.

In an expression T stands for the tensor that is changed. The tables speak of the sample's two layers
(w1, w2), while the rungs loop over any number of them.
"""

from __future__ import annotations

from tests.evidence.faults import (
    HOSTS,
    Changes,
    after_the_step,
    faults_of,
    framework_of,
    put,
    remembered,
    same,
    written_for,
)

fault = faults_of("mnist_mlp")

BY_HAND = HOSTS[:3]
TAPE = HOSTS[3]
BY_OPTIMISER = "torch_optim"  # torch_manual has plain descent only

# A tensor -> its name in the rungs, and the text before which it is there to be changed.
SPOTS = {
    "h1": ('seen[f"h{i}"]', '        a = seen[f"h{i}_relu"] = '),
    "h1_relu": ('a = seen[f"h{n - 1}_relu"]', '    seen["logits"] = a @'),
    "logits": ('seen["logits"]', "\n    # Loss"),
    "log_p": ('seen["log_p"]', '    seen["loss"] = -seen'),
    "loss": ('seen["loss"]', "\n    # Backward pass"),
    "grad_logits": ('grad = seen["grad_logits"]', "    for i in range(n, 1, -1):"),
    "grad_w2": ('seen[f"grad_w{i}"]', '        seen[f"grad_b{i}"] = grad.sum('),
    "grad_b2": ('seen[f"grad_b{i}"]', '        seen[f"grad_h{i - 1}_relu"] = '),
    "grad_h1_relu": ('seen[f"grad_h{i - 1}_relu"]', "        grad = np.where("),
    "grad_h1": ("grad", '        seen[f"grad_h{i - 1}"] = grad'),
    "grad_w1": ('seen["grad_w1"]', '    seen["grad_b1"] = '),
    "grad_b1": ('seen["grad_b1"]', "    return seen\n"),
}
PLAYED_BACK = "return loss, tape.gradient(loss, weights(state))"
NAMES = {"logits": 'seen["logits"]', "h": 'seen[f"h{n - 1}"]'}


def line_before(anchor: str, name: str, new: str) -> dict[str, str]:
    """Return the patch that assigns ``new`` to a name (or names, "a = b") in a line before the anchor."""
    indent = anchor.strip("\n")[: -len(anchor.strip("\n").lstrip())]
    return {anchor: f"{indent}{name} = {new}\n{anchor}"}


def becomes(tensor: str, new: str, tape: str | None = None) -> Changes:
    """Return the changes that replace T, once it is computed, by ``new`` (``tape``: TensorFlow's own code)."""
    name, anchor = SPOTS[tensor]
    changes = same(line_before(anchor, name, put(new, {"T": name.split(" = ")[0]} | NAMES)), *BY_HAND)
    if tensor == "log_p":
        return changes
    new = written_for("tensorflow", tape or new)
    if tensor == "loss":
        anchor = "    return seen\n"
    if tensor.removeprefix("grad_") in ("w1", "b1", "w2", "b2"):
        mine = f'grads["{tensor[5:]}"]'
        line = f"    {mine} = {put(new, {'T': mine})}\n"
        lines = f"grads = tape.gradient(loss, weights(state))\n{line}    return loss, grads"
        return changes | {TAPE: {PLAYED_BACK: lines}}
    if tensor.startswith("grad_"):  # what flows back through it
        name, anchor = SPOTS[tensor[5:]]
        through = name.split(" = ")[-1]
        backward = f"lambda grad: {put(new, {'T': 'grad'})}"
        new = f"tf.custom_gradient(lambda seen: (tf.identity(seen), {backward}))({through})"
        return changes | {TAPE: line_before(anchor, name, new)}
    return changes | {TAPE: line_before(anchor, name, put(new, {"T": name.split(" = ")[0]} | NAMES))}


FORWARD_PRODUCTS = {
    "h1": ('seen[f"h{i}"] = a @ state[f"w{i}"]', {"x": "a", "w1": 'state[f"w{i}"]'}),
    "logits": ('seen["logits"] = a @ state[f"w{n}"]', {"h_relu": "a", "w2": 'state[f"w{n}"]'}),
}
BACKWARD_PRODUCTS = {
    "grad_w2": (
        'seen[f"h{i - 1}_relu"].T @ grad',
        {"h_relu": 'seen[f"h{i - 1}_relu"]', "grad_logits": "grad"},
        "logits",
        "to_w=lambda grad_logits",
    ),
    "grad_h1_relu": (
        'grad @ state[f"w{i}"].T',
        {"w2": 'state[f"w{i}"]', "grad_logits": "grad"},
        "logits",
        "to_a=lambda grad_logits",
    ),
    "grad_w1": ("x.T @ grad", {"grad_h": "grad"}, "h1", "to_w=lambda grad_h"),
}


def by_hand(changes: Changes) -> Changes:
    """Return the changes without TensorFlow's, whose fused kernels may lose a NaN in this network."""
    return {rung: patch for rung, patch in changes.items() if rung in BY_HAND}


def computed(tensor: str, new: str) -> Changes:
    """Return the changes that compute a product as ``new``, in x, w1, h_relu, w2, grad_logits, grad_h."""
    if tensor in FORWARD_PRODUCTS:
        old, names = FORWARD_PRODUCTS[tensor]
        left = old.partition(" = ")[0]
        return {rung: {old: f"{left} = {put(written_for(framework_of(rung), new), names)}"} for rung in HOSTS}
    old, names, forward, backward = BACKWARD_PRODUCTS[tensor]
    line, inner = FORWARD_PRODUCTS[forward]
    left, _, product = line.partition(" = ")
    inside = {mine: its for mine, its in inner.items() if mine != "x"}  # the images are x there as well
    backward = f"{backward}: {put(written_for('tensorflow', new), inside)}"
    tape = f"{left} = product({product.replace(' @ ', ', ')}, {backward})"
    return same({old: put(new, names)}, *BY_HAND) | {TAPE: {line: tape}}


PRODUCTS = {
    "h1": "x @ w1",
    "logits": "h_relu @ w2",
    "grad_w2": "h_relu.T @ grad_logits",
    "grad_h1_relu": "grad_logits @ w2.T",
    "grad_w1": "x.T @ grad_h",
}


def each_product(form: str) -> list[tuple[str, str, Changes]]:
    """Return (name, tensors, changes) of each product with its operands in a form, as "half({})"."""
    rows = []
    for tensor, product in PRODUCTS.items():
        new = " @ ".join(form.format(operand) for operand in product.split(" @ "))
        shown = " grad_w1" if tensor == "grad_h1_relu" else ""
        rows.append((product.replace(".T", " transposed"), tensor + shown, computed(tensor, new)))
    return rows


def gate(new: str) -> Changes:
    """Return the changes that make the relu's gradient ``new``, written in h and grad_h_relu."""
    names = {"h": 'seen[f"h{i - 1}"]', "grad_h_relu": 'seen[f"grad_h{i - 1}_relu"]'}
    backward = f"lambda grad_h_relu: {written_for('tensorflow', new)}"
    own = f"tf.custom_gradient(lambda h: (tf.nn.relu(h), {backward}))"
    old = 'grad = np.where(seen[f"h{i - 1}"] > 0, seen[f"grad_h{i - 1}_relu"], 0)'
    return same({old: f"grad = {put(new, names)}"}, *BY_HAND) | {
        TAPE: {'tf.nn.relu(seen[f"h{i}"])  #': f'{own}(seen[f"h{{i}}"])  #'}
    }


def labels_become(new: str) -> Changes:
    """Return the changes in `trace`, and in the loss and the gradients that follow from it."""
    return same({"\n    # Forward pass": f"    y = {new}\n\n    # Forward pass"}, *HOSTS)


def log_softmax_is(new: str) -> Changes:
    """Return the changes of the log-probabilities, written in logits."""
    names = {"logits": 'seen["logits"]'}
    olds = {
        "numpy_manual": 'log_softmax(seen["logits"])',
        "torch_manual": 'torch.log_softmax(seen["logits"], dim=1)',
        "jax_manual": 'log_softmax(seen["logits"])',
        TAPE: 'cross_entropy(seen["logits"], y)',
    }
    changes = {}
    for rung, old in olds.items():
        mine = put(written_for(framework_of(rung), new), names)
        picked = f"-tf.reduce_mean(tf.gather({mine}, y, axis=1, batch_dims=1))"
        changes[rung] = {old: picked if rung == TAPE else mine}
    return changes


def update(new: str, *rungs: str) -> Changes:
    """Return the changes of the parameter that `train_step` updates, in w, grad, learning_rate and name."""
    forms = {
        "numpy": ("state[name] - learning_rate * grad for", "{} for"),
        "jax": ("state[name] - learning_rate * grad for", "{} for"),
        "torch": ("state[name].sub_(grad, alpha=learning_rate)", "state[name].copy_({})"),
        "tensorflow": ("state[name].assign_sub(learning_rate * grad)", "state[name].assign({})"),
    }
    changes = {}
    for rung in rungs or HOSTS:
        old, form = forms[framework_of(rung)]
        changes[rung] = {old: form.format(put(written_for(framework_of(rung), new), {"w": "state[name]"}))}
    return changes


def in_turn(first: str, second: str) -> Changes:
    """Return the changes that update the first parameter before the gradient of the second is computed."""
    body = "    loss, grads = loss_and_grads(state, x, y)\n"
    plain = (
        f'    moved = {{"{first}": state["{first}"] - learning_rate * grads["{first}"]}}\n'
        f'    grads["{second}"] = loss_and_grads(state | moved, x, y)[1]["{second}"]\n'
    )
    tape = (
        f'    before = tf.identity(state["{first}"])\n'
        f'    state["{first}"].assign_sub(learning_rate * grads["{first}"])\n'
        f'    grads["{second}"] = loss_and_grads(state, x, y)[1]["{second}"]\n'
        f'    state["{first}"].assign(before)\n'
    )
    by_hand, in_graph = (
        f"def {name}(state, x, y, learning_rate):\n{body}" for name in ("train_step", "update")
    )
    return {rung: {by_hand: by_hand + plain} for rung in BY_HAND} | {TAPE: {in_graph: in_graph + tape}}


BY_HAND_MOMENTUM = """\
    loss, _ = torch_nn.loss_and_grads(state.model, x, y)
    for name, p in torch_nn.named(state.model).items():
        grad, memory = p.grad, state.sgd.state[p]
        v = memory.get("momentum_buffer", 0 * grad)
        v = memory["momentum_buffer"] = {v}
        p.data.copy_({w})
    return state, loss
"""
SGD_STEP = "    return step(state, state.sgd, x, y, lr=learning_rate, momentum=momentum)\n"


def momentum(v: str | None = None, w: str | None = None, torch: str | None = None) -> Changes:
    """Return the changes of the velocity or the parameter. ``torch``: settings of its optimiser for it."""
    changes: Changes = {}
    old_v = 'momentum * state.get(f"momentum/{name}", 0 * grad) + grad'
    old_w = "state[name] - learning_rate * velocity"
    for rung in ("numpy_manual", "jax_manual"):
        old = {"v": 'state.get(f"momentum/{name}", 0 * grad)', "w": "state[name]"}
        new = {"v": "velocity", "w": "state[name]"}
        changes[rung] = ({old_v: put(written_for(framework_of(rung), v), old)} if v else {}) | (
            {old_w: put(written_for(framework_of(rung), w), new)} if w else {}
        )
    tape = {"v": "velocity", "w": "state[name]"}
    changes[TAPE] = ({"momentum * velocity + grad": put(written_for("tensorflow", v), tape)} if v else {}) | (
        {
            "state[name].assign_sub(learning_rate * velocity)": (
                f"state[name].assign({put(written_for('tensorflow', w), tape)})"
            )
        }
        if w
        else {}
    )
    if torch:
        changes[BY_OPTIMISER] = {SGD_STEP: SGD_STEP.replace("momentum=momentum)", torch + ")")}
    else:
        lines = {
            "v": written_for("torch", v or "momentum * v + grad"),
            "w": put(written_for("torch", w or "w - learning_rate * v"), {"w": "p.data"}),
        }
        changes[BY_OPTIMISER] = {SGD_STEP: BY_HAND_MOMENTUM.format(**lines)}
    return changes


BY_HAND_ADAM = """\
    loss, _ = torch_nn.loss_and_grads(state.model, x, y)
    for name, p in torch_nn.named(state.model).items():
        grad, memory = p.grad, state.adam.state[p]
        step = int(memory.get("step", 0)) + {count}
        m, v = memory.get("exp_avg", 0 * grad), memory.get("exp_avg_sq", 0 * grad)
        m = {m}
        v = {v}
        memory.update(step=torch.tensor(float(step)), exp_avg=m, exp_avg_sq=v)
        m_hat, v_hat = {m_hat}, {v_hat}
        p.data.copy_({w})
    return state, loss
"""
ADAM_STEP = "    return step(state, state.adam, x, y, lr=learning_rate, betas=(beta1, beta2), eps=eps)\n"
ADAM = {
    "m": "beta1 * m + (1 - beta1) * grad",
    "v": "beta2 * v + (1 - beta2) * grad * grad",
    "m_hat": "m / (1 - beta1**step)",
    "v_hat": "v / (1 - beta2**step)",
    "w": "w - learning_rate * m_hat / (np.sqrt(v_hat) + eps)",
}


def adam(torch: str | None = None, count: int = 1, **new: str) -> Changes:
    """Return the changes of m, v, m_hat, v_hat or w. ``torch``: settings of its optimiser for it."""
    formula = ADAM | new
    changes: Changes = {}
    old_m, old_v = 'state.get(f"adam_m/{name}", 0 * grad)', 'state.get(f"adam_v/{name}", 0 * grad)'
    for rung in ("numpy_manual", "jax_manual"):
        patch = {
            put(ADAM["m"], {"m": old_m}): put(formula["m"], {"m": old_m, "w": "state[name]"}),
            put(ADAM["v"], {"v": old_v}): put(formula["v"], {"v": old_v, "w": "state[name]"}),
            f"{ADAM['m_hat']}, {ADAM['v_hat']}": f"{formula['m_hat']}, {formula['v_hat']}",
            put(ADAM["w"], {"w": "state[name]"}): put(formula["w"], {"w": "state[name]"}),
            'int(state.get("adam_step", 0)) + 1': f'int(state.get("adam_step", 0)) + {count}',
        }
        changes |= same({old: new for old, new in patch.items() if old != new}, rung)

    tape = {name: written_for("tensorflow", text) for name, text in formula.items()}
    tape = {
        name: text.replace("(1 - beta1**step)", "correction1").replace("(1 - beta2**step)", "correction2")
        for name, text in tape.items()
    }
    old_w = "state[name].assign_sub(learning_rate * (m / correction1) / (tf.sqrt(v / correction2) + eps))"
    hats = {"w": "state[name]", "m_hat": f"({tape['m_hat']})", "v_hat": f"({tape['v_hat']})"}
    patch = {
        ADAM["m"]: put(tape["m"], {"w": "state[name]"}),
        ADAM["v"]: put(tape["v"], {"w": "state[name]"}),
        old_w: f"state[name].assign({put(tape['w'], hats)})" if new.keys() - {"m", "v"} else old_w,
        'state["adam_step"].assign_add(1)': f'state["adam_step"].assign_add({count})',
    }
    changes[TAPE] = {old: new for old, new in patch.items() if old != new}
    if torch:
        changes[BY_OPTIMISER] = {ADAM_STEP: ADAM_STEP.replace("eps=eps)", torch + ")")}
    else:
        lines = {name: put(written_for("torch", text), {"w": "p.data"}) for name, text in formula.items()}
        changes[BY_OPTIMISER] = {ADAM_STEP: BY_HAND_ADAM.format(count=count, **lines)}
    return changes


def normalised(new: str) -> Changes:
    """Return the changes of the network's input, written in pixels (floating, 0 to 255), mean and std."""
    floating = {
        "numpy_manual": 'images.astype(state["w1"].dtype)',
        "torch_manual": 'images.to(state["w1"].dtype)',
        "jax_manual": 'images.astype(state["w1"].dtype)',
        TAPE: "tf.cast(images, mean.dtype)",
    }
    changes = {}
    for rung, pixels in floating.items():
        in_place = f"{pixels}.div_(255).sub_(mean).div_(std)"
        old = in_place if rung == "torch_manual" else f"({pixels} / 255 - mean) / std"
        changes[rung] = {old: put(written_for(framework_of(rung), new), {"pixels": pixels})}
    return changes


def begins(task: str, line: str, *rungs: str) -> Changes:
    """Return the changes that add a line at the start of `train_epoch` or `evaluate`."""
    more = ", order, learning_rate" if task == "train_epoch" else ""
    head = f"def {task}(state, images, labels{more}, mean, std):\n"
    return same({head: f"{head}    {line}\n"}, *rungs or HOSTS)


def rate_of_epoch(new: str, tape: str) -> Changes:
    """Return the changes of the rate of one step of `train_epoch`; i counts the steps."""
    new = put(new, {"i": "len(losses)"})
    return same({"labels[batch], learning_rate)": f"labels[batch], {new})"}, *BY_HAND) | {
        TAPE: {"tf.gather(labels, order[i]), learning_rate)": f"tf.gather(labels, order[i]), {tape})"}
    }


def epoch_gives(new: str) -> Changes:
    """Return the changes of T, the losses that `train_epoch` returns."""
    tape = f"seen = losses.stack()\n    return {put(written_for('tensorflow', new), {'T': 'seen'})}"
    return same({"np.stack(losses)": put(new, {"T": "np.stack(losses)"})}, *BY_HAND) | {
        TAPE: {"return losses.stack()": tape}
    }


def mean_loss_is(new: str) -> Changes:
    return same({"return mean_loss, ": f"return {put(new, {'T': 'mean_loss'})}, "}, *BY_HAND) | {
        TAPE: {
            "return cross_entropy(logits, labels), ": (
                f"return {put(written_for('tensorflow', new), {'T': 'cross_entropy(logits, labels)'})}, "
            )
        }
    }


def forward_gives(new: str, *rungs: str) -> Changes:
    """Return the changes of T, which `forward` returns; `evaluate` calls it as well."""
    by_hand = 'return a @ state[f"w{depth(state)}"] + state[f"b{depth(state)}"]'
    tape = 'return a @ state[f"w{n}"] + state[f"b{n}"]'
    return {
        rung: {
            old: f"logits = {old.removeprefix('return ')}\n    "
            + put(written_for(framework_of(rung), new), {"T": "logits"})
        }
        for rung, old in (dict.fromkeys(BY_HAND, by_hand) | {TAPE: tape}).items()
        if rung in (rungs or HOSTS)
    }


NETWORK = [
    *(
        fault(f"TF32 in {name}", "precision", tensors, changes)
        for name, tensors, changes in each_product("rounded({}, 11)")
    ),
    *(
        fault(f"bfloat16 in {name}", "precision", tensors, changes)
        for name, tensors, changes in each_product("rounded({}, 8)")
    ),
    fault("half precision in x @ w1", "precision", "h1", computed("h1", "half(x) @ half(w1)")),
    fault(
        "half precision in h_relu @ w2", "precision", "logits",
        computed("logits", "half(h_relu) @ half(w2)"),
    ),
    fault("float64 inside x @ w1", "precision", "h1", computed("h1", "back(double(x) @ double(w1), x)")),
    fault(
        "float32 inside x @ w1 under a float64 label", "precision", "h1",
        computed("h1", "back(single(x) @ single(w1), x)"),
    ),
    fault("the logits come out in bfloat16", "precision", "logits", becomes("logits", "rounded(T, 8)")),
    fault("a bias of a millionth", "other", "h1", becomes("h1", "T + 1e-6")),
    fault("one element of h1", "element", "h1", becomes("h1", "nudge(T, 1, 2, 1.0001)")),
    fault("one element of w1 as h1 sees it", "element", "h1", computed("h1", "x @ nudge(w1, 300, 1, 1.001)")),
    fault("the pixels are rolled", "order", "h1", computed("h1", "np.roll(x, 1, 1) @ w1")),
    fault("the last pixel is left out", "missing row", "h1", computed("h1", "x[:, :-1] @ w1[:-1]")),
    fault(
        "w2 is reshaped to its transposed shape and transposed", "transposed", "logits",
        computed("logits", "h_relu @ np.reshape(w2.T, w2.shape)"),
    ),
    fault("the first w1 for ever", "stale", "h1", computed("h1", "x @ keep(w1)")),
    fault(
        "a leaky relu of a millionth", "gate", "h1_relu",
        becomes("h1_relu", "np.where(h > 0, T, 1e-6 * h)"),
    ),
    fault("no relu", "gate", "h1_relu", becomes("h1_relu", "h + 0")),
    fault("the absolute value for the relu", "gate", "h1_relu", becomes("h1_relu", "np.abs(h)")),
    fault("the units are rolled", "order", "h1_relu", becomes("h1_relu", "np.roll(T, 1, 1)")),
    fault(
        "the relu takes NaN for 0", "behaviour", "logits h1_relu",
        by_hand(becomes("h1_relu", "np.where(h > 0, T, np.zeros_like(T))")),
    ),
    fault("NaN in the logits becomes 0", "behaviour", "logits", by_hand(becomes("logits", "no_nan(T)"))),
    fault("the logits have a cap", "softmax", "logits", becomes("logits", "np.clip(T, -50, 50)")),
    fault("the logits are off by a millionth", "factor", "logits", becomes("logits", "1.000001 * T")),
    fault("the classes are rolled", "order", "logits", becomes("logits", "np.roll(T, 1, 1)")),
    fault("forward alone in bfloat16", "precision", "logits", forward_gives("return rounded(T, 8)")),
    fault("forward alone gives log_p", "other", "logits", forward_gives("return log_p_of(T)")),
    fault("forward rolls the rows", "order", "logits", forward_gives("return np.roll(T, 1, 0)")),
    fault(
        "forward changes the state", "behaviour", "b1",
        forward_gives('state["b1"] = state["b1"] + 0.001\n    return T', "numpy_manual", "jax_manual"),
        forward_gives('state["b1"].add_(0.001)\n    return T', "torch_manual"),
        forward_gives('state["b1"].assign_add(0 * state["b1"] + 0.001)\n    return T', TAPE),
    ),
    fault(
        "the caller's x is changed in place", "behaviour", "x",
        # Tensors of JAX and TensorFlow 2 cannot be changed; a session is fed arrays, which can
        {
            "numpy_manual": {"\n    # Loss": "    x *= 2\n\n    # Loss"},
            "torch_manual": {"\n    # Loss": "    x.mul_(2)\n\n    # Loss"},
            "tensorflow_graph": {
                'return state.session.run(state.seen["logits"], {"x:0": x})': (
                    'logits = state.session.run(state.seen["logits"], {"x:0": x})\n'
                    "    x *= 2\n    return logits"
                ),
            },
        },
    ),
    fault(
        "the caller's images are changed in place", "behaviour", "test_images",
        begins("evaluate", "images //= 2", "numpy_manual", "torch_manual", "tensorflow_graph"),
    ),
]  # fmt: skip

LOSS = [
    fault("the loss is halved", "factor", "loss", becomes("loss", "0.5 * T")),
    fault("the loss is off by a millionth", "factor", "loss", becomes("loss", "1.000001 * T")),
    fault("the sum of the losses, not their mean", "mean", "loss", becomes("loss", "y.shape[0] * T")),
    fault("the logarithm to base 2", "factor", "loss", becomes("loss", "T / 0.6931471805599453")),
    fault("the loss comes out in bfloat16", "precision", "loss", becomes("loss", "rounded(T, 8)")),
    fault("NaN in the loss becomes 0", "behaviour", "loss", by_hand(becomes("loss", "no_nan(T)"))),
    fault(
        "label smoothing of a millionth", "targets", "loss",
        becomes("loss", "(1 - 1e-6) * T - 1e-6 * np.mean(log_p_of(logits))"),
    ),
    fault(
        "the loss holds a penalty on w1", "decay", "loss",
        becomes("loss", 'T + 1e-6 * np.sum(np.square(state["w1"]))'),
    ),
    fault("the labels are off by one", "targets", "loss", labels_become("(y + 1) % 10")),
    fault("the labels are shifted by a row", "targets", "loss", labels_become("np.roll(y, 1, 0)")),
    fault(
        "the softmax without its maximum", "softmax", "log_p loss",
        log_softmax_is("logits - np.log(row_sum(np.exp(logits)))"),
    ),
    fault(
        "one maximum for the whole batch", "softmax", "log_p loss",
        log_softmax_is("logits - np.max(logits) - np.log(row_sum(np.exp(logits - np.max(logits))))"),
    ),
    fault("the logarithm of the softmax", "softmax", "log_p loss", log_softmax_is("np.log(softmax(logits))")),
    fault(
        "probabilities clipped at 1e-7", "softmax", "log_p loss",
        log_softmax_is("np.log(np.clip(softmax(logits), 1e-7, 1))"),
    ),
    fault(
        "1e-7 is added to the probabilities", "other", "log_p loss",
        log_softmax_is("np.log(softmax(logits) + 1e-7)"),
    ),
    fault(
        "the softmax over the batch", "transposed", "log_p loss",
        log_softmax_is("logits - np.log(np.sum(np.exp(logits), 0))"),
    ),
    fault(
        "a temperature off by a millionth", "factor", "log_p loss",
        log_softmax_is("log_p_of(1.000001 * logits)"),
    ),
    fault(
        "the softmax in half precision", "precision", "log_p loss",
        log_softmax_is("half(log_p_of(logits))"),
    ),
    fault(
        "the softmax in float32 under a float64 label", "precision", "log_p loss",
        log_softmax_is("back(log_p_of(single(logits)), x)"),
    ),
    fault(
        "log_p has a floor", "softmax", "log_p loss",
        log_softmax_is("np.clip(log_p_of(logits), -30, 0)"),
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

BACKWARD = [
    fault("the gradient of the sum", "mean", "grad_logits grad_w1", becomes("grad_logits", "y.shape[0] * T")),
    fault(
        "grad_logits is off by a millionth", "factor", "grad_logits grad_w1",
        becomes("grad_logits", "1.000001 * T"),
    ),
    fault(
        "one element of grad_logits", "element", "grad_logits grad_w1",
        becomes("grad_logits", "nudge(T, 1, 2, 1.001)"),
    ),
    fault(
        "two rows of grad_logits are swapped", "order", "grad_logits grad_w1",
        becomes("grad_logits", "swap_rows(T)"),
    ),
    fault(
        "the gradient of the softmax without the labels", "targets", "grad_logits grad_w1",
        becomes("grad_logits", "softmax(logits) / y.shape[0]", "softmax(seen) / y.shape[0]"),
    ),
    fault(
        "label smoothing of a millionth in the gradient", "targets", "grad_logits grad_w1",
        becomes("grad_logits", "np.where(T < 0, T + 1e-6 / y.shape[0], T)"),
    ),
    fault("small elements of grad_logits become 0", "behaviour", "grad_logits grad_w1", becomes(
        "grad_logits", "np.where(np.abs(T) < 0.1 / y.shape[0], np.zeros_like(T), T)"
    )),
    fault("grad_w2 is off by a millionth", "factor", "grad_w2", becomes("grad_w2", "1.000001 * T")),
    fault("one element of grad_w2", "element", "grad_w2", becomes("grad_w2", "nudge(T, 2, 1, 1.001)")),
    fault("two rows of grad_w2 are swapped", "order", "grad_w2", becomes("grad_w2", "swap_rows(T)")),
    fault("the columns of grad_w2 are rolled", "order", "grad_w2", becomes("grad_w2", "np.roll(T, 1, 1)")),
    fault(
        "grad_w2 is transposed and read row by row", "transposed", "grad_w2",
        becomes("grad_w2", "np.reshape(T.T, T.shape)"),
    ),
    fault(
        "the last row is not in grad_w2", "missing row", "grad_w2",
        computed("grad_w2", "h_relu.T[:, :-1] @ grad_logits[:-1]"),
    ),
    fault("grad_b2 is a mean over the rows", "mean", "grad_b2", becomes("grad_b2", "T / y.shape[0]")),
    fault("grad_b2 is off by a millionth", "factor", "grad_b2", becomes("grad_b2", "1.000001 * T")),
    fault("grad_b2 is rolled", "order", "grad_b2", becomes("grad_b2", "np.roll(T, 1, 0)")),
    fault(
        "w2 is reshaped where it should be transposed", "transposed", "grad_h1_relu grad_w1",
        computed("grad_h1_relu", "grad_logits @ np.reshape(w2, w2.shape[::-1])"),
    ),
    fault("the gate is forgotten", "gate", "grad_h1 grad_w1", gate("grad_h_relu")),
    fault(
        "the gate leaks a millionth", "gate", "grad_h1 grad_w1",
        gate("np.where(h > 0, grad_h_relu, 1e-6 * grad_h_relu)"),
    ),
    fault(
        "the gate is the wrong way round", "gate", "grad_h1 grad_w1",
        gate("np.where(h > 0, np.zeros_like(h), grad_h_relu)"),
    ),
    fault(
        "the gate of the row before", "gate", "grad_h1 grad_w1",
        gate("np.where(np.roll(h, 1, 0) > 0, grad_h_relu, np.zeros_like(h))"),
    ),
    fault(
        "the gate is open at 0", "convention", "grad_h1 grad_w1",
        gate("np.where(h >= 0, grad_h_relu, np.zeros_like(h))"),
        {
            "torch_autograd": {'torch.relu(seen[f"h{i}"])': 'seen[f"h{i}"].clamp(min=0)'},
            "tensorflow_graph": {'tf.nn.relu(seen[f"h{i}"])  #': 'tf.maximum(seen[f"h{i}"], 0)  #'},
        },
    ),
    fault(
        "the gate is half open at 0", "convention", "grad_h1 grad_w1",
        gate("np.where(h > 0, grad_h_relu, np.where(h < 0, 0 * grad_h_relu, 0.5 * grad_h_relu))"),
        {"jax_grad": {
            'jax.nn.relu(a @ state[f"w{i}"] + state[f"b{i}"])': (
                'jnp.maximum(a @ state[f"w{i}"] + state[f"b{i}"], 0)'
            ),
        }},
    ),
    fault("grad_w1 is off by a millionth", "factor", "grad_w1", becomes("grad_w1", "1.000001 * T")),
    fault("one element of grad_w1", "element", "grad_w1", becomes("grad_w1", "nudge(T, 300, 1, 1.001)")),
    fault("the rows of grad_w1 are rolled", "order", "grad_w1", becomes("grad_w1", "np.roll(T, 1, 0)")),
    fault(
        "the last row is not in grad_w1", "missing row", "grad_w1",
        computed("grad_w1", "x.T[:, :-1] @ grad_h[:-1]"),
    ),
    fault("grad_w1 comes out in half precision", "precision", "grad_w1", becomes("grad_w1", "half(T)")),
    fault(
        "grad_w1 comes through float32 under a float64 label", "precision", "grad_w1",
        becomes("grad_w1", "back(single(T), T)"),
    ),
    fault(
        "the first row is not in grad_b1", "missing row", "grad_b1",
        same(line_before("    return seen\n", 'seen["grad_b1"]', "grad[1:].sum(0)"), *BY_HAND),
        {TAPE: {
            'seen[f"h{i}"] = a @ state[f"w{i}"] + state[f"b{i}"]': (
                'seen[f"h{i}"] = tf.custom_gradient(\n'
                "            lambda h, b: (h + b, lambda grad: (grad, tf.reduce_sum(grad[1:], 0)))\n"
                '        )(a @ state[f"w{i}"], tf.identity(state[f"b{i}"]))'
            ),
        }},
    ),
    fault("grad_b1 is off by a millionth", "factor", "grad_b1", becomes("grad_b1", "1.000001 * T")),
    fault(
        "computed once, then kept", "stale", "loss",
        remembered("loss, grads = SUMS.setdefault(tuple(x.shape), (loss, grads))\nreturn loss, grads"),
    ),
    fault(
        "the gradients of the call before", "stale", "w1 grad_w1",
        remembered(
            "before = SUMS.get(tuple(x.shape), grads)\nSUMS[tuple(x.shape)] = grads\nreturn loss, before"
        ),
    ),
    fault(
        "gradients add up", "stale", "w1 grad_w1",
        remembered(
            "for name, grad in grads.items():\n"
            "    SUMS[name, tuple(x.shape)] = SUMS.get((name, tuple(x.shape)), 0 * grad) + grad\n"
            "return loss, {name: SUMS[name, tuple(x.shape)] for name in grads}"
        ),
        {"torch_optim": {"    optimizer.zero_grad()\n": ""}},
    ),
]  # fmt: skip

UPDATE = [
    fault("weight decay of a millionth", "decay", "w1", update("(1 - 1e-6) * w - learning_rate * grad")),
    fault("weight decay inside the gradient", "decay", "w1", update("w - learning_rate * (grad + 1e-3 * w)")),
    fault("the rate is off by 1e-5", "rate", "w1 b1", update("w - 1.00001 * learning_rate * grad")),
    fault("uphill", "rate", "w1", update("w + learning_rate * grad")),
    fault("the rate is divided by the rows", "rate", "w1", update("w - learning_rate / x.shape[0] * grad")),
    fault(
        "the rate comes through half precision", "rate", "w1 b1",
        update("w - float(np.float16(learning_rate)) * grad", "numpy_manual", "jax_manual"),
        update("w - torch.tensor(learning_rate).half().item() * grad", "torch_manual"),
        update("w - half(learning_rate) * grad", TAPE),
    ),
    fault(
        "the rate comes through float32 under a float64 label", "rate", "w1 b1",
        update("w - float(np.float32(learning_rate)) * grad", "numpy_manual", "jax_manual"),
        update("w - torch.tensor(learning_rate, dtype=torch.float32).item() * grad", "torch_manual"),
        update("w - back(single(learning_rate), w) * grad", TAPE),
    ),
    fault("w2 is never updated", "stale", "w2", update('w - (0 if name == "w2" else learning_rate) * grad')),
    fault(
        "the biases are never updated", "stale", "b1",
        update('w - (0 if name[0] == "b" else learning_rate) * grad'),
    ),
    fault(
        "twice the rate for the biases", "rate", "b1",
        update('w - (2 if name[0] == "b" else 1) * learning_rate * grad'),
    ),
    fault(
        "the rows of the update are rolled", "order", "w1 b1",
        update("w - learning_rate * np.roll(grad, 1, 0)"),
    ),
    fault("the new weights in bfloat16", "precision", "w1", update("rounded(w - learning_rate * grad, 8)")),
    fault("the new weights in half precision", "precision", "w1", update("half(w - learning_rate * grad)")),
    fault("the sign of the gradient alone", "optimiser", "w1", update("w - learning_rate * np.sign(grad)")),
    fault(
        "momentum leaks in", "optimiser", "w1",
        update("w - learning_rate * leak(name, grad)", *BY_HAND),
        {TAPE: {
            "    return state, update(state, x, y, *tensors(state, learning_rate))\n": (
                "    before = {name: tf.identity(w) for name, w in weights(state).items()}\n"
                "    loss = update(state, x, y, *tensors(state, learning_rate))\n"
                "    for name, w in before.items():\n"
                "        state[name].assign(w + leak(name, state[name] - w))\n"
                "    return state, loss\n"
            ),
        }},
    ),
    fault("grad_w2 from the updated w1", "updated weights", "w2", in_turn("w1", "w2")),
    fault("grad_w1 from the updated w2", "updated weights", "w1", in_turn("w2", "w1")),
]  # fmt: skip

MOMENTUM = [
    fault("momentum: dampening", "optimiser", "w1 momentum/w1", momentum(
        v="momentum * v + 0.9 * grad", torch="momentum=momentum, dampening=0.1"
    )),
    fault("momentum: Nesterov", "optimiser", "w1", momentum(
        w="w - learning_rate * (grad + momentum * v)", torch="momentum=momentum, nesterov=True"
    )),
    fault("momentum: the rate inside the velocity, as in Keras", "optimiser", "momentum/w1", momentum(
        v="momentum * v - learning_rate * grad", w="w + v"
    )),
    fault("momentum: an average of gradients", "optimiser", "w1 momentum/w1", momentum(
        v="momentum * v + (1 - momentum) * grad"
    )),
    fault("momentum: forgotten", "stale", "w1 momentum/w1", momentum(v="grad + 0 * v")),
    fault("momentum: never lost", "optimiser", "w1 momentum/w1", momentum(v="v + grad")),
    fault("momentum: the factor off by a millionth", "optimiser", "w1 momentum/w1", momentum(
        v="1.000001 * momentum * v + grad", torch="momentum=1.000001 * momentum"
    )),
    fault("momentum: the velocity of the step before", "stale", "w1", momentum(
        w="w - learning_rate * (v - grad) / momentum"
    )),
    fault("momentum: none for the biases", "optimiser", "b1 momentum/b1", momentum(
        v='(0 if name[0] == "b" else momentum) * v + grad'
    )),
    fault("momentum: weight decay in the velocity", "decay", "w1 momentum/w1", momentum(
        v="momentum * v + grad + 1e-3 * w", torch="momentum=momentum, weight_decay=1e-3"
    )),
    fault(
        "momentum: weight decay of a millionth", "decay", "w1",
        momentum(w="(1 - 1e-6) * w - learning_rate * v"),
    ),
    fault("momentum: the rate off by 1e-5", "rate", "w1", momentum(
        w="w - 1.00001 * learning_rate * v"
    )),
    fault(
        "momentum: the rate of plain descent", "rate", "w1",
        momentum(w="w - (1 - momentum) * learning_rate * v"),
    ),
    fault("momentum: the velocity in bfloat16", "precision", "w1 momentum/w1", momentum(
        v="rounded(momentum * v + grad, 8)"
    )),
    fault("momentum: lost where the gradient turns", "optimiser", "w1 momentum/w1", momentum(
        v="momentum * np.where(v * grad < 0, 0 * v, v) + grad"
    )),
    fault("momentum: the velocity's rows are rolled", "order", "w1 momentum/w1", momentum(
        v="momentum * np.roll(v, 1, 0) + grad"
    )),
]  # fmt: skip

ADAM_FAULTS = [
    fault(
        "Adam: eps inside the root", "optimiser", "w1",
        adam(w="w - learning_rate * m_hat / np.sqrt(v_hat + eps)"),
    ),
    fault("Adam: eps beside the uncorrected root, as in Keras", "optimiser", "w1", adam(
        w="w - learning_rate * m_hat / (np.sqrt(v_hat) + eps / (1 - beta2**step) ** 0.5)"
    )),
    fault("Adam: eps of 1e-7", "optimiser", "w1", adam(
        w="w - learning_rate * m_hat / (np.sqrt(v_hat) + 10 * eps)", torch="eps=10 * eps"
    )),
    fault("Adam: no eps but where it is 0", "optimiser", "w1", adam(
        w="w - learning_rate * m_hat / np.maximum(np.sqrt(v_hat), eps + 0 * v_hat)"
    )),
    fault("Adam: no bias correction", "optimiser", "w1", adam(m_hat="m", v_hat="v")),
    fault("Adam: the second moment is not corrected", "optimiser", "w1", adam(v_hat="v")),
    fault(
        "Adam: the correction of the step after", "optimiser", "w1",
        adam(m_hat="m / (1 - beta1 ** (step + 1))"),
    ),
    fault("Adam: steps are counted twice", "optimiser", "w1 adam_step", adam(count=2)),
    fault("Adam: L2 in the gradient", "decay", "w1 adam_m/w1", adam(
        torch="eps=eps, weight_decay=1e-4",
        m="beta1 * m + (1 - beta1) * (grad + 1e-4 * w)",
        v="beta2 * v + (1 - beta2) * (grad + 1e-4 * w) * (grad + 1e-4 * w)",
    )),
    fault("Adam: decoupled weight decay", "decay", "w1", adam(
        w="w - learning_rate * 1e-4 * w - learning_rate * m_hat / (np.sqrt(v_hat) + eps)",
    )),
    fault("Adam: the betas are swapped", "optimiser", "w1 adam_m/w1", adam(
        m="beta2 * m + (1 - beta2) * grad", v="beta1 * v + (1 - beta1) * grad * grad",
    )),
    fault("Adam: the gradient is added whole", "optimiser", "w1 adam_m/w1", adam(m="beta1 * m + grad")),
    fault("Adam: the second moment of absolute values", "optimiser", "w1 adam_v/w1", adam(
        v="beta2 * v + (1 - beta2) * np.abs(grad)"
    )),
    fault(
        "Adam: the second moment of m", "optimiser", "w1 adam_v/w1",
        adam(v="beta2 * v + (1 - beta2) * m * m"),
    ),
    fault("Adam: the largest second moment", "optimiser", "w1 adam_v/w1", adam(
        v="np.maximum(v, beta2 * v + (1 - beta2) * grad * grad)"
    )),
    fault(
        "Adam: Nesterov", "optimiser", "w1",
        adam(m_hat="(beta1 * m + (1 - beta1) * grad) / (1 - beta1**step)"),
    ),
    fault("Adam: beta1 off by a millionth", "optimiser", "w1 adam_m/w1", adam(
        m="1.000001 * beta1 * m + (1 - 1.000001 * beta1) * grad"
    )),
    fault("Adam: the rate off by 1e-5", "rate", "w1", adam(
        w="w - 1.00001 * learning_rate * m_hat / (np.sqrt(v_hat) + eps)"
    )),
    fault("Adam: the second moment in bfloat16", "precision", "w1 adam_v/w1", adam(
        v="rounded(beta2 * v + (1 - beta2) * grad * grad, 8)"
    )),
    fault("Adam: the root in half precision", "precision", "w1", adam(
        w="w - learning_rate * m_hat / (half(1024 * np.sqrt(v_hat)) / 1024 + eps)"
    )),
    fault("Adam: m is never kept", "stale", "w1 adam_m/w1", adam(m="0 * m + (1 - beta1) * grad")),
    fault("Adam: no root", "optimiser", "w1", adam(w="w - learning_rate * m_hat / (v_hat + eps)")),
    fault("Adam: nothing for the biases", "stale", "b1", adam(
        w='w - (0 if name[0] == "b" else learning_rate) * m_hat / (np.sqrt(v_hat) + eps)'
    )),
]  # fmt: skip

DATA = [
    fault("pixels over 256", "data", "mean_loss", normalised("(pixels / 256 - mean) / std")),
    fault("pixels not divided", "data", "mean_loss", normalised("(pixels - mean) / std")),
    fault("the mean is forgotten", "data", "mean_loss", normalised("pixels / 255 / std")),
    fault("the deviation is forgotten", "data", "mean_loss", normalised("pixels / 255 - mean")),
    fault(
        "the deviation plus a millionth", "data", "mean_loss",
        normalised("(pixels / 255 - mean) / (std + 1e-6)"),
    ),
    fault("white for black", "data", "mean_loss", normalised("((255 - pixels) / 255 - mean) / std")),
    fault(
        "the pixels of an image are rolled", "order", "mean_loss",
        normalised("(np.roll(pixels, 1, 1) / 255 - mean) / std"),
    ),
    fault(
        "pixels in half precision", "precision", "mean_loss",
        normalised("(half(pixels / 255) - mean) / std"),
    ),
    fault(
        "pixels in bfloat16", "precision", "mean_loss",
        normalised("(rounded(pixels / 255, 8) - mean) / std"),
    ),
    fault(
        "pixels in float32 under a float64 label", "precision", "mean_loss",
        normalised("(back(single(pixels / 255), pixels) - mean) / std"),
    ),
    fault(
        "the images are rolled against the labels", "data", "mean_loss",
        normalised("(np.roll(pixels, 1, 0) / 255 - mean) / std"),
    ),
    fault(
        "one pixel is off", "element", "mean_loss",
        normalised("((nudge(pixels + 1, 1, 300, 2) - 1) / 255 - mean) / std"),
    ),
    fault(
        "training labels are shifted by one", "targets", "losses",
        begins("train_epoch", "labels = np.roll(labels, 1, 0)"),
    ),
    fault(
        "training labels count from the other end", "targets", "losses",
        begins("train_epoch", "labels = 9 - labels"),
    ),
    fault(
        "the order is ignored", "data", "losses",
        begins(
            "train_epoch", "order = np.reshape(np.arange(order.shape[0] * order.shape[1]), order.shape)",
            "numpy_manual", "jax_manual",
        ),
        begins(
            "train_epoch", "order = torch.arange(order.numel(), device=order.device).reshape(order.shape)",
            "torch_manual",
        ),
        begins(
            "train_epoch", "order = tf.reshape(tf.range(order.shape[0] * order.shape[1]), order.shape)", TAPE
        ),
    ),
    fault(
        "the same batch for ever", "data", "losses",
        begins("train_epoch", "order = 0 * order + order[:1]"),
    ),
    fault("another shuffle", "data", "losses", begins("train_epoch", "order = np.roll(order, 1, 0)")),
    fault(
        "the last image of a batch is dropped", "missing row", "losses",
        begins("train_epoch", "order = order[:, :-1]", *BY_HAND),
        # The graph for the smaller batch is made in the loop, and lasts as long as its first variables
        begins("train_epoch", "order = order[:, :-1]\n    ALIVE.append(state)", TAPE),
        {TAPE: {"def evaluate(": "ALIVE = []\n\n\ndef evaluate("}},
    ),
    fault(
        "only every other image is drawn", "data", "losses",
        begins("train_epoch", "order = order // 2 * 2"),
    ),
    fault("the first image of a batch counts for its second too", "data", "losses", begins(
        "train_epoch", "order = order.at[:, 1].set(order[:, 0])", "jax_manual"
    ), begins(
        "train_epoch", "order = order + 0\n    order[:, 1] = order[:, 0]", "numpy_manual", "torch_manual"
    ), begins(
        "train_epoch", "order = tf.concat((order[:, :1], order[:, :1], order[:, 2:]), 1)", TAPE
    )),
    fault(
        "the second step of an epoch is skipped", "stale", "w1",
        rate_of_epoch("learning_rate * (i != 1)", "learning_rate * tf.cast(i != 1, mean.dtype)"),
    ),
    fault(
        "the rate falls by 1e-5 a step", "rate", "w1 b1",
        rate_of_epoch(
            "learning_rate * (1 - 1e-5 * i)", "learning_rate * (1 - 1e-5 * tf.cast(i, mean.dtype))"
        ),
    ),
    fault("the losses of another order", "order", "losses", epoch_gives("np.roll(T, 1, 0)")),
    fault("the mean of the losses so far", "mean", "losses", epoch_gives("0 * T + np.mean(T)")),
    fault("the losses in bfloat16", "precision", "losses", epoch_gives("rounded(T, 8)")),
    fault("the mean loss is off by a millionth", "factor", "mean_loss", mean_loss_is("1.000001 * T")),
    fault(
        "the loss of all test images, not its mean", "mean", "mean_loss",
        mean_loss_is("labels.shape[0] * T"),
    ),
    fault(
        "the last test image is dropped", "missing row", "mean_loss",
        begins("evaluate", "images, labels = images[:-1], labels[:-1]"),
    ),
    fault(
        "the test labels are off by one", "targets", "mean_loss",
        begins("evaluate", "labels = (labels + 1) % 10"),
    ),
    fault(
        "the least likely class is counted", "other", "correct",
        same({"log_p.argmax(": "log_p.argmin("}, *BY_HAND), {TAPE: {"tf.argmax(": "tf.argmin("}},
    ),
    fault(
        "wrong answers are counted", "other", "correct",
        same({"== labels).sum()": "!= labels).sum()"}, *BY_HAND),
        {TAPE: {"dtype) == labels": "dtype) != labels"}},
    ),
]  # fmt: skip

FAULTS = [*NETWORK, *LOSS, *BACKWARD, *UPDATE, *MOMENTUM, *ADAM_FAULTS, *DATA]
