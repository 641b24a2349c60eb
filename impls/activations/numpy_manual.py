"""NumPy, each function and its derivative as a formula: the reference that all others are checked against."""

import numpy as np

READ_AFTER = None


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x):
    relu = np.maximum(x, 0)
    sigmoid = 1 / (1 + np.exp(-x))  # where exp overflows to inf, 1 / inf is the right 0
    tanh = np.tanh(x)
    return relu, sigmoid, tanh


def derivatives(state, x):
    _, sigmoid, tanh = forward(state, x)
    grad_relu = (x > 0).astype(x.dtype)  # the kink at 0 has no derivative, and 0 is declared: not >=
    # Both are cheap where the function is known already: x is not needed again
    grad_sigmoid = sigmoid * (1 - sigmoid)
    grad_tanh = (1 - tanh) * (1 + tanh)  # 1 - tanh^2, as JAX has it too
    return grad_relu, grad_sigmoid, grad_tanh
