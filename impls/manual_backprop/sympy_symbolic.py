"""SymPy: the error is a formula, so are its derivatives, and lambdify turns them into NumPy code."""

from functools import cache

import numpy as np
import sympy as sp

READ_AFTER = "numpy_manual"


class Sigmoid(sp.Function):
    """A function that SymPy does not have: all that it is told is the derivative."""

    def fdiff(self, _argindex=1):
        return self * (1 - self)


@cache
def compiled(d_in, width, d_out):
    """The forward pass, and the loss with its gradients, as NumPy functions: derived once for each size."""
    shapes = {"w1": (d_in, width), "w2": (width, d_out), "x": (1, d_in), "y": (1, d_out)}
    symbols = [sp.MatrixSymbol(name, *shape) for name, shape in shapes.items()]
    w1, w2, x, y = (symbol.as_explicit() for symbol in symbols)  # a symbol for each element
    b1, b2 = sp.symbols(f"b1_:{width}"), sp.symbols(f"b2_:{d_out}")

    # Forward pass
    h = x * w1 + sp.Matrix([b1])
    h_sigmoid = h.applyfunc(Sigmoid)
    y_in = h_sigmoid * w2 + sp.Matrix([b2])
    y_pred = y_in.applyfunc(Sigmoid)

    # Loss
    loss = sum((y_pred - y).applyfunc(lambda error: error**2)) / 2

    # Backward pass: every path from a weight to the loss, written out as one formula for each weight
    grad_w1, grad_w2 = loss.diff(w1), loss.diff(w2)

    # The formula of a weight repeats most of its neighbour's: cse computes what they share once
    modules = [{"Sigmoid": lambda h: 1 / (1 + np.exp(-h))}, "numpy"]
    arguments = *symbols, b1, b2
    return (
        sp.lambdify(arguments, y_pred, modules, cse=True),
        sp.lambdify(arguments, (loss, grad_w1, grad_w2), modules, cse=True),
    )


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def functions(state):
    w1, w2 = state["w1"], state["w2"]
    return compiled(*w1.shape, w2.shape[1])


def forward(state, x, b1, b2):
    y_pred, _ = functions(state)
    return y_pred(state["w1"], state["w2"], x, None, b1, b2)  # y_pred does not depend on y


def loss_and_grads(state, x, y, b1, b2):
    _, both = functions(state)
    loss, grad_w1, grad_w2 = both(state["w1"], state["w2"], x, y, b1, b2)
    return loss, {"w1": grad_w1, "w2": grad_w2}


def train_step(state, x, y, b1, b2, learning_rate):
    loss, grads = loss_and_grads(state, x, y, b1, b2)
    return {name: state[name] - learning_rate * grads[name] for name in state}, loss


def train(state, x, y, b1, b2, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, b1, b2, learning_rate)
        losses.append(loss)
    return state, np.stack(losses)
