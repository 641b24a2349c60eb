"""PyTorch: tensors are NumPy's arrays with a device; a method whose name ends in _ changes its tensor."""

import torch

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def create(state, a):
    zeros, ones, sevens = torch.zeros_like(a), torch.ones_like(a), torch.full_like(a, 7)
    steps = torch.arange(0, 10, 2, device=a.device)
    identity = torch.eye(3, dtype=a.dtype, device=a.device)  # PyTorch's own choice: float32, on the CPU
    return zeros, ones, sevens, steps, identity


def arithmetic(state, a, b):
    return a + b, a - b, a * b, a / b, a**2


def broadcast(state, row, column):
    table = row + column  # (1, n) + (m, 1): each is repeated along its axis of length 1
    repeated = row.expand_as(table)
    return table, repeated


def reshape(state, cube):
    flat = cube.view(-1, cube.shape[2])  # -1: as many as there must be
    folded = cube.view(cube.shape[1], -1)  # the elements keep their order, whatever the shape
    turned = cube.permute(1, 0, 2)
    swapped = turned.transpose(0, 2)
    unsqueezed = cube.unsqueeze(0)
    squeezed = unsqueezed.squeeze(0)
    return flat, folded, turned, swapped, unsqueezed, squeezed


def index(state, cube):
    corner, block = cube[:, 0, 0], cube[0]
    rows = cube[[0, 0, 1, 1]]
    is_large = cube > 2
    masked = torch.where(is_large, cube, 0)
    return corner, block, rows, masked, is_large


def join(state, a, b):
    three = [a, a, b]
    return torch.cat(three, dim=0), torch.cat(three, dim=1), torch.stack(three, dim=1)


def reduce(state, a):
    sums = a.sum(), a.sum(dim=0), a.sum(dim=1)
    means = a.mean(), a.mean(dim=0), a.mean(dim=1)
    stds = a.std(dim=0), a.std(dim=1)  # n - 1 is PyTorch's own choice
    return *sums, *means, *stds, a.amax(dim=1), a.argmax(dim=1)


def products(state, a, b, w, vector):
    return a @ w, a * b, a @ vector


def in_place(state, a, b):
    total = a.clone()  # the caller's own stays as it is
    alias, row_of, copied, picked = total, total[0], total.clone(), total[[0, 0]]
    total.add_(b)  # seen by all who share the storage: the other name, and the view
    row_of[:] = 0  # and back: a view writes through
    torch.mul(total, 2, out=total)
    copied -= 1  # a clone is alone, and so is what a list of indices picked
    picked *= 0
    return total, alias, row_of, copied, picked


def cast(state, a):
    whole, truth = (a - 3.5).int(), (a > 2).int()
    half = a.half().to(a.dtype)  # eleven bits are left; float64 goes by way of float32
    precise = a.double().to(a.dtype)
    return whole, truth, half, precise


def bridge(state, a):
    host = a.cpu().numpy().copy()  # on the CPU numpy() alone shares the memory of a
    shared, copied = torch.from_numpy(host), torch.tensor(host)
    host += 1  # seen through what shares the memory, not by the copy
    returned = shared.to(a.device).cpu().double()  # to the device, back, and into another dtype
    width = torch.tensor(returned.element_size())
    return shared.to(a), copied.to(a), returned.to(a), width.to(a.device)
