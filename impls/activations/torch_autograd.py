"""PyTorch, autograd: the gradient of an elementwise function's sum holds the derivative at each element."""

import torch

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x):
    relu = torch.relu(x)  # its derivative at 0 is 0; that of torch.clamp(x, min=0) is 1
    sigmoid = torch.sigmoid(x)
    tanh = torch.tanh(x)
    return relu, sigmoid, tanh


def derivatives(state, x):
    x = x.detach().requires_grad_()  # a leaf of our own: the caller's x is not asked for gradients
    relu, sigmoid, tanh = forward(state, x)
    # An element of the sum depends on its own x only, so no derivative mixes with another
    (grad_relu,) = torch.autograd.grad(relu.sum(), x)
    (grad_sigmoid,) = torch.autograd.grad(sigmoid.sum(), x)
    (grad_tanh,) = torch.autograd.grad(tanh.sum(), x)
    return grad_relu, grad_sigmoid, grad_tanh
