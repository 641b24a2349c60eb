"""PyTorch compiled: five batches in one call, gathered, normalised, run forwards and back, and applied."""

import torch
import torch.nn.functional as F

from .torch_manual import adopt, depth, export

READ_AFTER = "torch_autograd"

BLOCK = 5  # steps in one compiled call: fewer calls to make, and longer to compile
torch.compiler.config.recompile_limit = 64  # one graph for each shape; the default keeps 8


def compiled(function):
    return torch.compile(function, fullgraph=True, dynamic=False)


def network(state, x):
    n, a = depth(state), x
    for i in range(1, n):
        a = torch.relu(torch.addmm(state[f"b{i}"], a, state[f"w{i}"]))
    return torch.addmm(state[f"b{n}"], a, state[f"w{n}"])


def loss_fn(state, x, y):
    return F.cross_entropy(network(state, x), y)


def normalise(images, state, mean, std):
    return (images.to(state["w1"].dtype) / 255 - mean) / std


def descend(state, x, y, learning_rate):
    # Unlike loss.backward(), a transform of functions is traced as part of the graph around it
    grads, loss = torch.func.grad_and_value(loss_fn)(state, x, y)
    for name, grad in grads.items():
        state[name].sub_(learning_rate * grad)
    return loss


forward = compiled(network)
compiled_step = compiled(descend)


@compiled
def loss_and_grads(state, x, y):
    grads, loss = torch.func.grad_and_value(loss_fn)(state, x, y)
    return loss, grads


def tensors(state, *numbers):  # each new Python float would be compiled anew
    return [state["w1"].new_full((), number) for number in numbers]


def train_step(state, x, y, learning_rate):
    return state, compiled_step(state, x, y, *tensors(state, learning_rate))


@compiled
def train_block(state, images, labels, order, learning_rate, mean, std):
    losses = []
    for batch in order:  # unrolled
        x = normalise(images[batch], state, mean, std)
        losses.append(descend(state, x, labels[batch], learning_rate))
    return torch.stack(losses)


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    numbers = tensors(state, learning_rate, mean, std)
    blocks = [BLOCK] * (len(order) // BLOCK) + [1] * (len(order) % BLOCK)  # two sizes to compile, no more
    losses = [train_block(state, images, labels, rows, *numbers) for rows in order.split(blocks)]
    return state, torch.cat(losses)


@compiled
def evaluate_all(state, images, labels, mean, std):
    logits = network(state, normalise(images, state, mean, std))
    return F.cross_entropy(logits, labels), (logits.argmax(dim=1) == labels).sum()


def evaluate(state, images, labels, mean, std):
    return evaluate_all(state, images, labels, *tensors(state, mean, std))
