"""A tutorial's mistake: the output layer gets as many units as there are inputs."""

from samestep.impls.manual_backprop.numpy_scalar import (
    Neuron,
    export,
    forward,
    loss_and_grads,
    trace,
    train,
    train_step,
)

__all__ = ["adopt", "export", "forward", "loss_and_grads", "trace", "train", "train_step"]


def adopt(params):
    w1, w2 = params["w1"], params["w2"]
    num_inputs, num_hidden = w1.shape
    return {
        "w1": [Neuron(w1[:, unit]) for unit in range(num_hidden)],
        "w2": [Neuron(w2[:, unit]) for unit in range(num_inputs)],  # the mistake: w2.shape[1] belongs here
    }
