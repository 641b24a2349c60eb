"""A trap of porting a tutorial: std divides by n - 1 in PyTorch, and by n everywhere else."""

from samestep.impls.tensor_ops.numpy_manual import (
    adopt,
    arithmetic,
    bridge,
    broadcast,
    cast,
    create,
    export,
    in_place,
    index,
    join,
    products,
    reshape,
)

__all__ = [
    "adopt", "arithmetic", "bridge", "broadcast", "cast", "create", "export", "in_place", "index", "join",
    "products", "reduce", "reshape",
]  # fmt: skip


def reduce(state, a):
    sums = a.sum(), a.sum(axis=0), a.sum(axis=1)
    means = a.mean(), a.mean(axis=0), a.mean(axis=1)
    stds = a.std(axis=0), a.std(axis=1)  # the mistake: PyTorch divides by n - 1, NumPy by n
    return *sums, *means, *stds, a.max(axis=1), a.argmax(axis=1)
