"""PyTorch compiled: each depth is unrolled into a graph of its own, and Python picks the graph."""

import torch

from .torch_manual import adopt, export

READ_AFTER = "torch_autograd"

torch.compiler.config.recompile_limit = 64  # one graph for each depth and shape; the default keeps 8


def compiled(function):
    return torch.compile(function, fullgraph=True, dynamic=False)


def network(params, x, depth):
    h_relu = torch.relu(torch.addmm(params["b1"], x, params["w1"]))
    for _ in range(depth):  # depth is a Python number: the graph is guarded by its value
        h_relu = torch.relu(torch.addmm(params["b2"], h_relu, params["w2"]))
    return torch.addmm(params["b3"], h_relu, params["w3"])


def loss_fn(params, x, y, depth):
    return (network(params, x, depth) - y).square().sum()


forward = compiled(network)


@compiled
def loss_and_grads(state, x, y, depth):
    params = {name: state[name] for name in ("w1", "b1", "w2", "b2", "w3", "b3")}
    # Unlike loss.backward(), a transform of functions is traced as part of the graph around it
    grads, loss = torch.func.grad_and_value(loss_fn)(params, x, y, depth)
    return loss, grads


@compiled
def descend(state, x, y, depth, learning_rate, momentum):
    params = {name: state[name] for name in ("w1", "b1", "w2", "b2", "w3", "b3")}
    grads, loss = torch.func.grad_and_value(loss_fn)(params, x, y, depth)
    for name, grad in grads.items():
        state[f"momentum/{name}"].mul_(momentum).add_(grad)
        state[name].sub_(learning_rate * state[f"momentum/{name}"])
    return loss


def remember(state):  # the graph finds its velocities there
    return {f"momentum/{name}": torch.zeros_like(w) for name, w in state.items() if "/" not in name} | state


def train_step(state, x, y, depth, learning_rate, momentum):
    numbers = x.new_tensor([learning_rate, momentum])  # each new Python float would be compiled anew
    state = remember(state)
    return state, descend(state, x, y, depth, *numbers)


def train(state, x, y, depths, learning_rate, momentum):
    numbers, state = x.new_tensor([learning_rate, momentum]), remember(state)
    losses = [descend(state, x, y, depth, *numbers) for depth in depths.tolist()]
    return state, torch.stack(losses)
