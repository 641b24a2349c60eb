"""The zoo: what code does to tensors besides computing: views, changes in place, copies, bytes, numbers."""

from __future__ import annotations

import copy
import io
import pickle
import threading

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.testing._internal.two_tensor import TwoTensor

from tests.agreement.arithmetic.torch.zoo import Case, Net, mlp, normal, whole

ROWS = normal(4, 8)
TENSORS: dict[str, Case] = {}


def on_linear(name: str, *layers: nn.Module, **expected):
    """Put a function of (h, x), h a linear layer of x, in the zoo."""

    def put(function):
        def module():
            return Net(lambda self, x: function(self.layers[0](x), x), nn.Linear(8, 4))

        TENSORS[name] = Case(module, [ROWS], **expected)
        return function

    return put


def on_module(name: str, *layers, steps: int = 1, named=None, **expected):
    """Put a function of (self, x) in the zoo, with layers that are made anew."""

    def put(function):
        def module():
            made = {key: make() for key, make in (named or {}).items()}
            return Net(function, *[make() for make in layers], **made)

        TENSORS[name] = Case(module, [ROWS], steps=steps, **expected)
        return function

    return put


def linear() -> nn.Module:
    return nn.Linear(8, 4)


# -- views and changes in place ------------------------------------------------------------------------


@on_linear("changes of views")
def _(h, x):
    h2 = h.clone()
    view = h2[:, 1:3]
    view.mul_(2).add_(1)
    h2.t()[0].copy_(h[:, 2])
    h2[0] += 3 * h[1]
    h2.view(-1)[::3].neg_()
    torch.relu_(h2[1:])
    return h2


@on_linear("index put", doubles=False)
def _(h, x):
    z = torch.zeros_like(h)
    z[torch.tensor([0, 2])] = h[:2]
    z.index_put_((torch.tensor([0, 0, 3]), torch.tensor([1, 1, 2])), h[:3, 0], accumulate=True)
    z[z > 0.5] = 0.1
    z[:, 0] = z.new_tensor(0.3)
    return z


@on_linear("masks")
def _(h, x):
    mask = whole(2, 4, 4).bool()
    parts = [h.masked_fill(mask, -1e9).softmax(-1), h.masked_select(mask), torch.where(mask, h, 0.1), h[mask]]
    return torch.cat([part.flatten() for part in parts])


@on_linear("a storage that is set")
def _(h, x):
    d = h.detach()
    t = torch.empty(0, dtype=x.dtype).set_(d.untyped_storage(), 0, (4, 4), (4, 1))
    return h * t + torch.empty(0, dtype=x.dtype).set_(d)


@on_linear("a storage that grows")
def _(h, x):
    b = torch.empty(2, dtype=x.dtype)
    b.resize_(16)
    b.copy_(h.detach().flatten())
    b.resize_(5, 4)
    b[4] = 1.0
    return h.as_strided((3, 4), (4, 1), 2) * b[:3] + torch.as_strided(h, (3, 4), (1, 1))


@on_linear("out variants")
def _(h, x):
    d = h.detach()
    b, c, e = torch.empty_like(d), torch.empty(0, dtype=x.dtype), torch.empty(8, 4, dtype=x.dtype)
    torch.mul(d, 2.0, out=b)
    torch.mm(b, b, out=c)
    torch.add(c, d, out=c)
    torch.cat([d, c], out=e)
    return h + c + e[4:]


@on_module("data of a parameter", named={"w": lambda: nn.Parameter(normal(8, 5))})
def _(self, x):
    self.w.data = self.w.data * 0.9
    self.w.data.add_(x.detach().mean() * 0.1)
    return x @ self.w


@on_module("moving averages", linear, steps=2, named={"average": lambda: nn.Buffer(torch.zeros(4))})
def _(self, x):
    h = self.layers[0](x)
    with torch.no_grad():
        self.average.mul_(0.9).add_(h.mean(0), alpha=0.1)
        self.average.lerp_(h.mean(0), 0.3)
    return h - self.average


@on_module("a cache of its own", linear, steps=2)
def _(self, x):
    h = self.layers[0](x)
    if not hasattr(self, "memo"):
        self.memo = h.detach().mean(0)
    return h - self.memo


@on_module("carried state", linear, steps=2)
def _(self, x):
    self.h = torch.tanh(self.layers[0](x) + getattr(self, "h", 0)).detach()
    return torch.tanh(self.layers[0](x) + self.h)


@on_module("inference mode in a part", linear, linear)
def _(self, x):
    with torch.inference_mode():
        t = self.layers[0](x).softmax(-1)
    return self.layers[1](x) * t.clone()


# -- copies and bytes ----------------------------------------------------------------------------------


def changed(layer):
    with torch.no_grad():
        layer[0].weight.mul_(0.3)
    return layer


@on_module("deep copy of a module", mlp)
def _(self, x):
    return copy.deepcopy(changed(self.layers[0]))(x) + self.layers[0](x)


@on_linear("deep copy of a tensor")
def _(h, x):
    return h + copy.deepcopy({"h": h.detach()})["h"]


@on_module("state dict", mlp, mlp)
def _(self, x):
    self.layers[1].load_state_dict(changed(self.layers[0]).state_dict())
    return self.layers[1](x)


@on_module("state dict, assigned", mlp, mlp)
def _(self, x):
    state = {key: value * 1.1 for key, value in changed(self.layers[0]).state_dict().items()}
    self.layers[1].load_state_dict(state, assign=True)
    return self.layers[1](x)


@on_module("pickle", mlp, refused="bytes")
def _(self, x):
    return pickle.loads(pickle.dumps(changed(self.layers[0])))(x)


@on_module("torch.save", mlp, refused="bytes")
def _(self, x):
    file = io.BytesIO()
    torch.save(changed(self.layers[0]).state_dict(), file)
    file.seek(0)
    other = mlp()
    other.load_state_dict(torch.load(file))
    return other(x)


@on_linear("NumPy", refused=r"Tensor\.numpy.*zoo_tensors\.py:\d+")
def _(h, x):
    return h * float(h.detach().numpy().std())


@on_linear("shared memory", refused="NumPy")
def _(h, x):
    array = np.zeros(4, np.float32)
    torch.from_numpy(array).copy_(h.detach()[0])
    return h * torch.from_numpy(array.copy()).to(x.dtype)


@on_module("saved tensors in NumPy", mlp, refused="bytes")
def _(self, x):
    pack, unpack = lambda t: t.detach().numpy().copy(), torch.from_numpy
    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        return self.layers[0](x).tanh()


@on_module("saved tensors on the CPU", mlp)
def _(self, x):
    with torch.autograd.graph.save_on_cpu():
        return self.layers[0](x).tanh()


@on_linear("constants from buffers", doubles=False)
def _(h, x):
    b = torch.frombuffer(bytearray(np.arange(4, dtype=np.float32).tobytes()), dtype=torch.float32)
    return h * b + torch.from_numpy(np.arange(4.0)).to(x.dtype)


@on_linear("bits", refused="bits", doubles=False)
def _(h, x):
    return h + (h.detach().contiguous().view(torch.int32) & 1).to(x.dtype)


@on_module("threads", linear, linear, refused="bytes")
def _(self, x):
    done = [None, None]
    threads = [threading.Thread(target=lambda i=i: done.__setitem__(i, self.layers[i](x))) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done[0] + done[1]


# -- numbers -------------------------------------------------------------------------------------------


@on_linear("item", taped=False)
def _(h, x):
    k, n = h.abs().mean().item(), int(h.abs().sum()) % 3 + 1
    for _ in range(n):
        h = torch.tanh(h * k)
    if h.sum() > 0:
        h = h * 2
    return h / float(h.norm())


@on_linear("list of numbers", taped=False)
def _(h, x):
    return h * torch.tensor(h.mean(0).tolist(), dtype=x.dtype)


@on_linear("tensor of tensors", taped=False)
def _(h, x):
    return h * torch.tensor([a.mean() for a in h.detach().unbind(1)], dtype=x.dtype)


@on_linear("numbers in the code", doubles=False)
def _(h, x):
    return h * torch.tensor([0.1, 0.2, 0.3, 0.7]) + torch.linspace(0, 1, 4) + torch.full((4,), 0.1) + 0.3


@on_linear("integers")
def _(h, x):
    places, three = torch.randint(0, 4, (3,)), torch.full((3,), 2)
    return h[:, places] + x[:, three] + torch.full((2,), True).sum()


@on_linear("random numbers", doubles=False)
def _(h, x):
    place = torch.multinomial(h.softmax(-1).detach(), 1)
    return F.gumbel_softmax(h) + h.gather(1, place) + torch.normal(h.detach(), 1.0)


# -- dtypes and subclasses -----------------------------------------------------------------------------


@on_linear("a part in float64")
def _(h, x):
    p = torch.softmax(h.double(), -1)
    assert p.dtype == torch.float64
    assert h.dtype == x.dtype
    return h + (p * p.log()).sum(-1).to(h.dtype)[:, None]


@on_module("autocast", lambda: nn.Linear(8, 64), lambda: nn.Linear(64, 6), doubles=False)
def _(self, x):
    with torch.autocast("cpu", torch.bfloat16):
        h = self.layers[0](x)
        assert h.dtype == torch.bfloat16
        return self.layers[1](h.relu()).float()


@on_module("bfloat16", lambda: nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.Linear(16, 4)).bfloat16(),
           doubles=False)  # fmt: skip
def _(self, x):
    return self.layers[0](x.bfloat16()).float()


class Sub(torch.Tensor):
    """A subclass that does nothing."""


@on_linear("a subclass")
def _(h, x):
    h = h.as_subclass(Sub)
    return (h * 2 + h.mean()).as_subclass(torch.Tensor)


@on_linear("a subclass that dispatches")
def _(h, x):
    pair = TwoTensor(h.detach(), h.detach() * 2)
    pair = pair * 3 + pair
    return h + pair.a + pair.b


@on_linear("sparse", refused="sparse")
def _(h, x):
    return torch.sparse.mm(torch.eye(4, dtype=x.dtype).to_sparse(), h)
