"""SymPy: the error is a formula, so are its derivatives, and lambdify turns them into NumPy code."""

import numpy as np
import sympy as sp

READ_AFTER = "numpy_manual"


class sigmoid(sp.Function):
    """A function that SymPy does not have: all that it is told is the derivative."""

    def fdiff(self, argindex=1):
        return self * (1 - self)


x, y = sp.MatrixSymbol("x", 1, 2), sp.MatrixSymbol("y", 1, 2)
w1, w2 = sp.MatrixSymbol("w1", 2, 2).as_explicit(), sp.MatrixSymbol("w2", 2, 2).as_explicit()
b1, b2 = sp.symbols("b1_:2"), sp.symbols("b2_:2")

# Forward pass
h = x.as_explicit() * w1 + sp.Matrix([b1])
h_sigmoid = h.applyfunc(sigmoid)
y_in = h_sigmoid * w2 + sp.Matrix([b2])
y_pred = y_in.applyfunc(sigmoid)

# Loss
loss = sum((y_pred - y.as_explicit()).applyfunc(lambda e: e**2)) / 2

# Backward pass: every path from a weight to the error, written out as one expression for each weight
grads = loss.diff(w1), loss.diff(w2)


def compiled(arguments, formulas):
    # A formula for each weight repeats most of its neighbour's; cse computes what they share once
    modules = [{"sigmoid": lambda h: 1 / (1 + np.exp(-h))}, "numpy"]
    return sp.lambdify(arguments, formulas, modules, cse=True)


W1, W2 = (sp.MatrixSymbol(name, 2, 2) for name in ("w1", "w2"))
compute_forward = compiled((W1, W2, x, b1, b2), y_pred)
compute_loss_and_grads = compiled((W1, W2, x, y, b1, b2), (loss, *grads))


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x, b1, b2):
    return compute_forward(state["w1"], state["w2"], x, b1, b2)


def loss_and_grads(state, x, y, b1, b2):
    loss, grad_w1, grad_w2 = compute_loss_and_grads(state["w1"], state["w2"], x, y, b1, b2)
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
