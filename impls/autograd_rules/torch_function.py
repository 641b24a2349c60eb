"""PyTorch, torch.autograd.Function: each piece says what it makes of the gradient that comes to it."""

import torch
from torch.autograd.function import once_differentiable

from .torch_autograd import accumulate, adopt, export, hidden_change, leaf

READ_AFTER = "torch_autograd"


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_cube):
        (x,) = ctx.saved_tensors
        return grad_cube * 3 * x**2


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_square):
        (x,) = ctx.saved_tensors
        return grad_square * 2 * x


class Stop(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad_stop):
        return None  # no gradient for x, whatever comes: x is taken for a constant


class Sine(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u):
        ctx.save_for_backward(u)
        return torch.sin(u)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_sine):
        (u,) = ctx.saved_tensors
        return grad_sine * torch.cos(u)


def vector_jacobian(state, x, v):
    x = leaf(x)
    y = Cube.apply(x.reshape(v.shape) + 1) + 2
    y.backward(v)
    return y.detach(), x.grad


def of_ones(state, m):
    m = leaf(m)
    m_squared = Square.apply(m)
    m_squared.backward(torch.ones_like(m))
    return m_squared.detach(), m.grad


def stop_gradient(state, a):
    a = leaf(a)
    stopped = Square.apply(a) + Stop.apply(Cube.apply(a))
    stopped.sum().backward()
    return stopped.detach(), a.grad


def chain_rule(state, t):
    t = leaf(t)
    u = Cube.apply(t) + 5
    wave = 5 * Sine.apply(u)
    (grad_wave,) = torch.autograd.grad(wave.sum(), t, retain_graph=True)
    (grad_u,) = torch.autograd.grad(wave.sum(), u, retain_graph=True)
    (grad_by_parts,) = torch.autograd.grad(u, t, grad_u)
    return wave.detach(), grad_wave, grad_by_parts
