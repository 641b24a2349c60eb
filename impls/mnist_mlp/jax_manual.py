"""JAX, eager: NumPy's lines on jnp, whose arrays live on a device and never change."""

import jax.numpy as jnp

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def depth(state):
    return sum(name.startswith("w") for name in state)


def normalise(images, state, mean, std):
    return (images.astype(state["w1"].dtype) / 255 - mean) / std


def log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)  # exp cannot overflow
    return shifted - jnp.log(jnp.exp(shifted).sum(axis=1, keepdims=True))


def forward(state, x):
    a = x
    for i in range(1, depth(state)):
        a = jnp.maximum(a @ state[f"w{i}"] + state[f"b{i}"], 0)
    return a @ state[f"w{depth(state)}"] + state[f"b{depth(state)}"]


def trace(state, x, y):
    n, rows, seen = depth(state), jnp.arange(len(y)), {}

    # Forward pass
    a = x
    for i in range(1, n):
        seen[f"h{i}"] = a @ state[f"w{i}"] + state[f"b{i}"]
        a = seen[f"h{i}_relu"] = jnp.maximum(seen[f"h{i}"], 0)
    seen["logits"] = a @ state[f"w{n}"] + state[f"b{n}"]

    # Loss
    seen["log_p"] = log_softmax(seen["logits"])
    seen["loss"] = -seen["log_p"][rows, y].mean()

    # Backward pass: the gradient of the mean cross-entropy is (p - one_hot(y)) / rows
    grad = jnp.exp(seen["log_p"]).at[rows, y].add(-1)  # a new array: none is changed in place
    grad = seen["grad_logits"] = grad / len(y)
    for i in range(n, 1, -1):
        seen[f"grad_w{i}"] = seen[f"h{i - 1}_relu"].T @ grad
        seen[f"grad_b{i}"] = grad.sum(axis=0)
        seen[f"grad_h{i - 1}_relu"] = grad @ state[f"w{i}"].T
        grad = jnp.where(seen[f"h{i - 1}"] > 0, seen[f"grad_h{i - 1}_relu"], 0)
        seen[f"grad_h{i - 1}"] = grad
    seen["grad_w1"] = x.T @ grad
    seen["grad_b1"] = grad.sum(axis=0)
    return seen


def loss_and_grads(state, x, y):
    seen = trace(state, x, y)
    names = [f"{kind}{i}" for i in range(1, depth(state) + 1) for kind in "wb"]
    return seen["loss"], {name: seen[f"grad_{name}"] for name in names}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    # A Python float takes the type of the array that it meets: float32 stays float32
    return state | {name: state[name] - learning_rate * grad for name, grad in grads.items()}, loss


def momentum_step(state, x, y, learning_rate, momentum):
    loss, grads = loss_and_grads(state, x, y)
    state = dict(state)
    for name, grad in grads.items():
        velocity = momentum * state.get(f"momentum/{name}", 0 * grad) + grad
        state[f"momentum/{name}"] = velocity
        state[name] = state[name] - learning_rate * velocity
    return state, loss


def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y)
    state, step = dict(state), int(state.get("adam_step", 0)) + 1
    state["adam_step"] = jnp.array(step)
    for name, grad in grads.items():
        m = beta1 * state.get(f"adam_m/{name}", 0 * grad) + (1 - beta1) * grad
        v = beta2 * state.get(f"adam_v/{name}", 0 * grad) + (1 - beta2) * grad * grad
        state[f"adam_m/{name}"], state[f"adam_v/{name}"] = m, v
        m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
        state[name] = state[name] - learning_rate * m_hat / (jnp.sqrt(v_hat) + eps)
    return state, loss


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    losses = []
    for batch in order:
        x = normalise(images[batch], state, mean, std)
        state, loss = train_step(state, x, labels[batch], learning_rate)
        losses.append(loss)
    return state, jnp.stack(losses)


def evaluate(state, images, labels, mean, std):
    log_p = log_softmax(forward(state, normalise(images, state, mean, std)))
    mean_loss = -log_p[jnp.arange(len(labels)), labels].mean()
    return mean_loss, (log_p.argmax(axis=1) == labels).sum()
