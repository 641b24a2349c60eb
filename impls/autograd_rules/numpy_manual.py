"""NumPy, every rule written out: what the frameworks work out by themselves; the reference for all rungs."""

import numpy as np

READ_AFTER = None


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def vector_jacobian(state, x, v):
    y = ((x + 1) ** 3 + 2).reshape(v.shape)
    # y[i] depends on x[i] only: the Jacobian is a diagonal, and v times it is elementwise
    grad_x = v.reshape(x.shape) * 3 * (x + 1) ** 2
    return y, grad_x


def of_ones(state, m):
    m_squared = m**2
    grad_m = 2 * m
    return m_squared, grad_m


def stop_gradient(state, a):
    stopped = a**2 + a**3
    grad_stopped = 2 * a  # 3 a^2 is missing: the second term is taken for a constant
    return stopped, grad_stopped


def hidden_change(state, a):
    a = a.copy()  # the caller's own stays as it is
    doubled = 2 * a
    a *= 100
    grad_doubled = np.full(a.shape, 2, a.dtype)
    return doubled, a, grad_doubled


def accumulate(state, b):
    grad = 6 * b  # of 3 b^2
    grad_once = grad
    grad_twice = grad + 6 * b
    grad_afresh = 6 * b
    return grad_once, grad_twice, grad_afresh


def chain_rule(state, t):
    u = t**3 + 5
    wave = 5 * np.sin(u)
    grad_wave = 15 * t**2 * np.cos(t**3 + 5)
    # By parts: d wave / du, times du / dt
    grad_by_parts = 5 * np.cos(u) * (3 * t**2)
    return wave, grad_wave, grad_by_parts
