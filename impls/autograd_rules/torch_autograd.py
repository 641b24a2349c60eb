"""PyTorch, autograd: backward goes from a result to the leaves it came from, and adds to their .grad."""

import torch

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def leaf(array):
    """A leaf of our own: what happens to it is not seen by the caller."""
    return array.detach().clone().requires_grad_()


def vector_jacobian(state, x, v):
    x = leaf(x)
    y = (x.reshape(v.shape) + 1) ** 3 + 2
    y.backward(v)  # y is not a single number, so backward needs the gradient of y
    return y.detach(), x.grad


def of_ones(state, m):
    m = leaf(m)
    m_squared = m**2
    m_squared.backward(torch.ones_like(m))  # as m_squared.sum().backward() would
    return m_squared.detach(), m.grad


def stop_gradient(state, a):
    a = leaf(a)
    stopped = a**2 + (a**3).detach()  # under torch.no_grad() it would be the same
    stopped.sum().backward()
    return stopped.detach(), a.grad


def hidden_change(state, a):
    a = leaf(a)
    doubled = 2 * a
    a.data *= 100  # not seen by autograd: a**2 would now be derived at 100 a, and nobody would be told
    doubled.sum().backward()
    return doubled.detach(), a.detach(), a.grad


def accumulate(state, b):
    b = leaf(b)
    (3 * b**2).sum().backward()
    grad_once = b.grad.clone()  # not b.grad itself, which the next line adds to
    (3 * b**2).sum().backward()
    grad_twice = b.grad
    b.grad = None
    (3 * b**2).sum().backward()
    return grad_once, grad_twice, b.grad


def chain_rule(state, t):
    t = leaf(t)
    u = t**3 + 5
    wave = 5 * torch.sin(u)
    (grad_wave,) = torch.autograd.grad(wave.sum(), t, retain_graph=True)
    # By parts: the gradient of u, handed on to t
    (grad_u,) = torch.autograd.grad(wave.sum(), u, retain_graph=True)
    (grad_by_parts,) = torch.autograd.grad(u, t, grad_u)
    return wave.detach(), grad_wave, grad_by_parts
