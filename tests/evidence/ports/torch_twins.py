"""A PyTorch network beside its rewritings in PyTorch: compiled, other layouts, functions, products."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional

import samestep
from tests.evidence.ports.conv_net import reference
from tests.evidence.ports.jax_layers import normal
from tests.evidence.ports.port import Case, Fault, Port

NEEDS = ("torch",)


def state(model: nn.Module) -> tuple[dict[str, Any], dict[str, Any]]:
    """Copies of the parameters and of the running statistics, by name."""
    parameters = {name: value.detach().clone() for name, value in model.named_parameters()}
    return parameters, {n: v.clone() for n, v in model.named_buffers() if v.is_floating_point()}


def functions(
    p: Any, s: Any, x: Any, *, train: bool = True, momentum: float = 0.1, eps: float = 1e-5, padding: int = 1,
    ceil: bool = False, dropout: float = 0.0, unfold: bool = False, by_window: bool = False,
    arithmetic: str = "", detach: bool = False, order: bool = False, clip: float | None = None,
) -> Any:  # fmt: skip
    """The convolutional network by functions; ``train`` and ``unfold`` aside, the keywords are mistakes."""
    new = {name: value.clone() for name, value in s.items()}
    h = functional.conv2d(x, p["conv1.weight"], p["conv1.bias"], stride=2, padding=padding)
    statistics = new["norm1.running_mean"], new["norm1.running_var"]
    h = functional.batch_norm(h, *statistics, p["norm1.weight"], p["norm1.bias"], train, momentum, eps)
    h = functional.max_pool2d(functional.relu(h), 3 if ceil else 2, 2, ceil_mode=ceil)
    h = functional.dropout(h, dropout) if dropout else h  # training=True unless it is told
    h = h.clamp(max=clip) if clip else h.detach() if detach else h
    if unfold:
        h = by_products(h, p["conv2.weight"], p["conv2.bias"], by_window)
    else:
        h = functional.conv2d(h, p["conv2.weight"], p["conv2.bias"], padding=1)
    h = functional.avg_pool2d(functional.relu(h), 3, 2, 1)
    h = h.permute(0, 2, 3, 1).flatten(1) if order else h.flatten(1)
    w = p["head.weight"].T
    if arithmetic == "bfloat16":
        product = (h.bfloat16() @ w.bfloat16()).float()
    elif arithmetic == "tf32":
        product = shortened(h) @ shortened(w)
    else:
        product = h @ w
    return product + p["head.bias"], new


def by_products(x: Any, weight: Any, bias: Any, by_window: bool) -> Any:
    """A convolution as a product of the windows and the kernel's rows."""
    n, _, height, width = x.shape
    windows = functional.unfold(x, 3, padding=1)
    rows = weight.permute(0, 2, 3, 1) if by_window else weight
    return (rows.flatten(1) @ windows + bias[:, None]).reshape(n, -1, height, width)


def shortened(x: Any) -> Any:
    """The leading 11 bits of float32 numbers, which is what TF32 keeps (Dekker's splitting); else x."""
    c = x * (2**13 + 1)
    return c - (c - x)


def by_functions(seed: int, train: bool = True, **options: Any) -> Case:
    """The network by functions as the candidate."""
    model = reference(seed, train)
    call = partial(functions, train=train, **options)
    return Case(samestep.Model(call, *state(model), framework="torch"), model, images(seed))


def images(seed: int) -> Any:
    return (normal(seed, 5, 3, 12, 12),)


def twin(seed: int, change: Any, train: bool = True) -> Case:
    """A copy of the module, changed by ``change(copy)``."""
    model = reference(seed, train)
    return Case(change(copy.deepcopy(model)), model, images(seed))


def channels_last(model: nn.Module) -> nn.Module:
    return model.to(memory_format=torch.channels_last)


def compiled(model: nn.Module) -> nn.Module:
    torch._dynamo.reset()
    return torch.compile(model)


def folded(p: Any, s: Any, x: Any, *, eps: float = 1e-5) -> Any:
    """The network in eval mode, its batch norm multiplied into the convolution before it."""
    scale = p["norm1.weight"] * torch.rsqrt(s["norm1.running_var"] + eps)
    bias = (p["conv1.bias"] - s["norm1.running_mean"]) * scale + p["norm1.bias"]
    h = functional.conv2d(x, p["conv1.weight"] * scale[:, None, None, None], bias, stride=2, padding=1)
    h = functional.max_pool2d(functional.relu(h), 2)
    h = functional.relu(functional.conv2d(h, p["conv2.weight"], p["conv2.bias"], padding=1))
    h = functional.avg_pool2d(h, 3, 2, 1).flatten(1)
    return functional.linear(h, p["head.weight"], p["head.bias"]), s


def by_folding(seed: int, **mistakes: Any) -> Case:
    model = reference(seed, train=False)
    return Case(
        samestep.Model(partial(folded, **mistakes), *state(model), framework="torch"), model, images(seed)
    )


def set_value(path: str, value: Any, model: nn.Module) -> nn.Module:
    """Set an attribute of a part, or multiply one element of a parameter."""
    layer, _, name = path.partition(".")
    setattr(getattr(model, layer), name, value)
    return model


def scale_element(name: str, factor: float, model: nn.Module) -> nn.Module:
    with torch.no_grad():
        model.get_parameter(name).view(-1)[5] *= factor
    return model


def scale_gradient(factor: float, model: nn.Module) -> nn.Module:
    model.conv2 = nn.Sequential(model.conv2, Scaled(factor))
    return model


class Scaled(nn.Module):
    """The identity, whose gradient is multiplied."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + (x - x.detach()) * (self.factor - 1)


PORTS = (
    Port("conv net by functions, train", by_functions, NEEDS),
    Port("conv net by functions, eval", partial(by_functions, train=False), NEEDS),
    Port("conv net by products of windows", partial(by_functions, unfold=True), NEEDS),
    Port("conv net, channels_last", partial(twin, change=channels_last), NEEDS),
    Port("conv net, channels_last, eval", partial(twin, change=channels_last, train=False), NEEDS),
    Port("conv net, torch.compile", partial(twin, change=compiled), NEEDS),
    Port("conv net, batch norm folded", by_folding, NEEDS),
)
fault = partial(Fault, needs=NEEDS)
OUTPUT, STATE = ("output*",), ("state norm1.*",)
FAULTS = (
    fault("torch: eval for train", partial(twin, change=lambda m: m.eval()), places=("norm1",),
          cause="running"),
    fault("torch: train for eval", partial(twin, change=lambda m: m.train(), train=False), places=("norm1",),
          cause="batch's"),
    fault("torch: F.dropout left on", partial(by_functions, train=False, dropout=0.2), places=("conv2",)),
    fault("torch: momentum 0.9", partial(by_functions, momentum=0.9), places=STATE, cause="take 0.9"),
    fault("torch: eps 1e-3", partial(by_functions, eps=1e-3), places=("norm1", *STATE), cause="eps 1e-3"),
    fault("torch: eps 1e-3 in a folded norm", partial(by_folding, eps=1e-3), places=OUTPUT),
    fault("torch: windows in another order", partial(by_functions, unfold=True, by_window=True),
          places=("conv2",)),
    fault("torch: pooling windows of 3 for 2", partial(by_functions, ceil=True), places=("pool1",)),
    fault("torch: flattened channels last", partial(by_functions, order=True),
          places=("flatten",), cause="flatten"),
    fault("torch: features cut off at 3", partial(by_functions, clip=3.0), places=("conv2",)),
    fault("torch: features detached", partial(by_functions, detach=True),
          places=("gradient of input 0", "gradient of conv1.*")),
    fault("torch: bfloat16 operands in the head", partial(by_functions, arithmetic="bfloat16"),
          places=("head", *OUTPUT), verdicts=("weaker",)),
    fault("torch: TF32 operands in the head", partial(by_functions, arithmetic="tf32"),
          places=("head", *OUTPUT), verdicts=("weaker",)),
    fault("torch: pooling does not count padding", places=("pool2",), cause="counted",
          make=partial(twin, change=partial(set_value, "pool2.count_include_pad", False))),
    fault("torch: one weight of the head x 1.0001", places=("head", *OUTPUT), cause="alone",
          make=partial(twin, change=partial(scale_element, "head.weight", 1.0001))),
    fault("torch: gradient x (1 + 1e-6)", partial(twin, change=partial(scale_gradient, 1 + 1e-6)),
          places=("gradient at conv2", "gradient at conv2.*", "gradient at pool1", "gradient at relu2"),
          cause="of itself"),
    fault("torch: running variance 1.01 times", partial(twin, train=False,
          change=lambda m: set_value("norm1.running_var", m.norm1.running_var * 1.01, m)), places=("norm1",),
          cause="of itself"),
)  # fmt: skip


class States(nn.Module):
    """All states of a layer, without the last ones."""

    def __init__(self, rnn: nn.Module) -> None:
        super().__init__()
        self.rnn = rnn

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rnn(x)[0]
