"""The zoo: what stands around a forward pass: autograd's other ways, hooks, compilation, optimisers."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import nn, optim
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

from tests.agreement.arithmetic.torch.zoo import Case, Net, mlp, normal

ROWS = normal(4, 8)


def dropping() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.3), nn.Tanh())


def tanh() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 6), nn.Tanh())


def keep_products(context, operation, *args, **kwargs):
    return CheckpointPolicy.MUST_SAVE if "mm" in str(operation) else CheckpointPolicy.PREFER_RECOMPUTE


SELECTIVE = functools.partial(create_selective_checkpoint_contexts, keep_products)


def nested(self, x, depth=12):
    h = torch.tanh(self.layers[0](x))
    return h if depth == 0 else checkpoint(nested, self, h, depth - 1, use_reentrant=True)


class Product(torch.autograd.Function):
    """A function with a backward pass of its own."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return (x @ w).clamp(min=0)

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        g = g * ((x @ w) > 0).to(g.dtype)
        return g @ w.t(), x.t() @ g


class ByNumPy(torch.autograd.Function):
    """A function whose backward pass leaves PyTorch, where no mode sees it."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.tanh()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return torch.from_numpy(np.asarray(g) * (1 - np.tanh(np.asarray(x.detach())) ** 2))


def gradient_of(self, x):
    return self.layers[0](torch.func.grad(lambda x: self.layers[0](x).square().sum())(x))


def for_each_row(self, x):
    def loss(params, row):
        return torch.func.functional_call(self.layers[0], params, (row[None],)).square().sum()

    params = dict(self.layers[0].named_parameters())
    return torch.func.vmap(torch.func.grad(loss), (None, 0))(params, x)["0.weight"].flatten(1)


def twice(self, x):
    return torch.autograd.grad(self.layers[0](x).square().sum(), x, create_graph=True)[0]


def hooked() -> nn.Module:
    network = mlp()
    network[0].register_forward_hook(lambda module, inputs, out: out * 1.1)
    network[2].register_full_backward_hook(lambda module, into, out: (into[0] * 0.5,))
    network[0].weight.register_hook(lambda g: g.clamp(-0.01, 0.01))

    def double(parameter: nn.Parameter) -> None:
        parameter.grad.mul_(2)

    network[2].bias.register_post_accumulate_grad_hook(double)
    return network


def custom_operation(self, x):
    if not hasattr(torch.ops.samestep_zoo, "twice"):
        operation = torch.library.custom_op("samestep_zoo::twice", lambda x: x * 2.0, mutates_args=(),
                                            schema="(Tensor x) -> Tensor")  # fmt: skip
        operation.register_autograd(lambda ctx, g: g * 2.0)
    return torch.ops.samestep_zoo.twice(self.layers[0](x))


def conditional(self, x):
    return torch.cond(x.sum() > 0, lambda x: x.sin(), lambda x: x.cos(), (self.layers[0](x),))


def of(function, *layers, **expected) -> Case:
    return Case(lambda: Net(function, *[layer() for layer in layers]), [ROWS], **expected)


def linear() -> nn.Module:
    return nn.Linear(8, 4)


def stepping(optimizer, **expected) -> Case:
    return Case(mlp, [normal(5, 8)], optimizer=optimizer, steps=3, **expected)


def clip(module: nn.Module) -> None:
    torch.nn.utils.clip_grad_norm_(module.parameters(), 0.01, foreach=True)


def to_vector(module: nn.Module) -> None:
    with torch.no_grad():
        vector = nn.utils.parameters_to_vector(module.parameters()) * 0.9
        nn.utils.vector_to_parameters(vector, module.parameters())


PROGRAMS = {
    "checkpoint, reentrant": of(
        lambda self, x: checkpoint(self.layers[0], x, use_reentrant=True), dropping, doubles=False
    ),
    "checkpoint": of(
        lambda self, x: checkpoint(self.layers[0], x, use_reentrant=False), dropping, doubles=False
    ),
    "checkpoint, nested": Case(lambda: Net(nested, nn.Linear(4, 4)), [normal(3, 4)]),
    "checkpoint, selective": of(
        lambda self, x: checkpoint(self.layers[0], x, use_reentrant=False, context_fn=SELECTIVE), mlp
    ),
    "a function": Case(
        lambda: Net(lambda self, x: Product.apply(x, self.w), w=nn.Parameter(normal(8, 5))), [ROWS]
    ),
    "a function in NumPy": of(lambda self, x: ByNumPy.apply(self.layers[0](x)), linear, refused="bytes"),
    "func.grad": of(gradient_of, lambda: nn.Sequential(nn.Linear(8, 8), nn.Tanh())),
    "func.vmap and jacrev": of(
        lambda self, x: torch.func.vmap(torch.func.jacrev(self.layers[0]))(x).sum(1), tanh
    ),
    "func, each row": of(for_each_row, mlp),
    "func.jvp": of(lambda self, x: torch.func.jvp(self.layers[0], (x,), (torch.ones_like(x),))[1], tanh),
    "func.hessian": of(lambda self, x: torch.func.hessian(lambda x: self.layers[0](x).sum())(x[0]), tanh),
    "double backward": of(twice, mlp),
    "hooks": Case(hooked, [ROWS]),
    "compiled": Case(lambda: torch.compile(mlp(), backend="aot_eager"), [ROWS]),
    "scripted": Case(lambda: torch.jit.script(mlp()), [ROWS], doubles=False),
    "a custom operation": of(custom_operation, linear, refused="samestep_zoo.twice"),
    "cond": of(conditional, linear, refused="cond"),
    "clipped, list of tensors": Case(mlp, [normal(5, 8)], after=clip),
    "parameters as a vector": Case(mlp, [normal(5, 8)], after=to_vector),
    "SGD": stepping(lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01)),
    "SGD, lists": stepping(lambda p: optim.SGD(p, 0.1, momentum=0.9, foreach=True)),
    "SGD, fused": stepping(lambda p: optim.SGD(p, 0.1, momentum=0.9, fused=True)),
    "Adam": stepping(lambda p: optim.Adam(p, 1e-2, maximize=True)),
    "Adam, lists": stepping(lambda p: optim.Adam(p, 1e-2, foreach=True)),
    "Adam, fused": stepping(lambda p: optim.Adam(p, 1e-2, fused=True)),
    "Adam, rate in a tensor": stepping(
        lambda p: optim.Adam(p, torch.tensor(1e-2)), taped=False, doubles=False
    ),
    "AdamW, largest": stepping(lambda p: optim.AdamW(p, 1e-2, amsgrad=True)),
    "AdamW, lists": stepping(lambda p: optim.AdamW(p, 1e-2, foreach=True)),
    "RMSprop": stepping(lambda p: optim.RMSprop(p, 1e-2, centered=True, momentum=0.5)),
    "RMSprop, lists": stepping(lambda p: optim.RMSprop(p, 1e-2, foreach=True)),
    "Adagrad": stepping(optim.Adagrad),
    "Adadelta": stepping(optim.Adadelta),
    "Adamax": stepping(optim.Adamax),
    "NAdam": stepping(optim.NAdam, taped=False, doubles=False),
    "RAdam": stepping(optim.RAdam),
    "Rprop": stepping(optim.Rprop),
    "ASGD": stepping(optim.ASGD, taped=False, doubles=False),
    "Adafactor": stepping(lambda p: optim.Adafactor(p, 1e-2), taped=False),
}
