"""NumPy scalars, no matrices: each unit is an object that knows its own derivatives."""

import numpy as np

READ_AFTER = "numpy_manual"


class Neuron:
    """A sigmoid unit. It remembers its forward pass, for the backward pass needs it."""

    def __init__(self, weights):
        self.weights = list(weights)

    def forward(self, inputs, bias):
        self.inputs = inputs
        self.net = sum(w * i for w, i in zip(self.weights, inputs, strict=True)) + bias
        self.out = 1 / (1 + np.exp(-self.net))
        return self.out

    def backward(self, grad_out):
        """dE/dw for each weight, kept; dE/dinput for each input, returned: this unit's share of it."""
        self.grad_net = grad_out * self.out * (1 - self.out)
        self.grads = [self.grad_net * i for i in self.inputs]
        return [self.grad_net * w for w in self.weights]

    def step(self, learning_rate):
        self.weights = [w - learning_rate * g for w, g in zip(self.weights, self.grads, strict=True)]


def columns(units):
    return np.stack(list(units), axis=1)


def row(scalars):
    return np.stack([list(scalars)])


def adopt(params):
    # A row of the transpose is a column of w: the weights into one unit
    return {name: [Neuron(weights) for weights in w.T] for name, w in params.items()}


def export(state):
    return {name: columns(unit.weights for unit in units) for name, units in state.items()}


def fire(units, inputs, biases):
    return [unit.forward(inputs, bias) for unit, bias in zip(units, biases, strict=True)]


def forward(state, x, b1, b2):
    return row(fire(state["w2"], fire(state["w1"], x[0], b1), b2))


def trace(state, x, y, b1, b2):
    hidden, output = state["w1"], state["w2"]

    # Forward pass
    h_sigmoid = fire(hidden, x[0], b1)
    y_pred = fire(output, h_sigmoid, b2)

    # Loss
    loss = sum(0.5 * (p - t) ** 2 for p, t in zip(y_pred, y[0], strict=True))

    # Backward pass: a hidden unit feeds every output unit, so it adds up what each of them sends back
    grad_y_pred = [p - t for p, t in zip(y_pred, y[0], strict=True)]
    shares = [unit.backward(grad) for unit, grad in zip(output, grad_y_pred, strict=True)]
    grad_h_sigmoid = [sum(share) for share in zip(*shares, strict=True)]
    for unit, grad in zip(hidden, grad_h_sigmoid, strict=True):
        unit.backward(grad)

    return {
        "h": row(unit.net for unit in hidden), "h_sigmoid": row(h_sigmoid),
        "y_in": row(unit.net for unit in output), "y_pred": row(y_pred), "loss": loss,
        "grad_y_pred": row(grad_y_pred), "grad_y_in": row(unit.grad_net for unit in output),
        "grad_w2": columns(unit.grads for unit in output),
        "grad_h_sigmoid": row(grad_h_sigmoid), "grad_h": row(unit.grad_net for unit in hidden),
        "grad_w1": columns(unit.grads for unit in hidden),
    }  # fmt: skip


def loss_and_grads(state, x, y, b1, b2):
    steps = trace(state, x, y, b1, b2)
    return steps["loss"], {"w1": steps["grad_w1"], "w2": steps["grad_w2"]}


def train_step(state, x, y, b1, b2, learning_rate):
    loss, _ = loss_and_grads(state, x, y, b1, b2)
    for unit in state["w1"] + state["w2"]:
        unit.step(learning_rate)
    return state, loss


def train(state, x, y, b1, b2, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, b1, b2, learning_rate)
        losses.append(loss)
    return state, np.stack(losses)
