"""PyTorch, torch.autograd.Function: each function brings its derivative, and keeps what that needs."""

import torch
from torch.autograd.function import once_differentiable

from .torch_autograd import adopt, export

READ_AFTER = "torch_autograd"


class Relu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x > 0)  # a byte for each element is enough
        return torch.clamp(x, min=0)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_relu):
        (is_open,) = ctx.saved_tensors
        return torch.where(is_open, grad_relu, 0)


class Sigmoid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        sigmoid = 1 / (1 + torch.exp(-x))
        ctx.save_for_backward(sigmoid)  # its derivative is a function of the output, so x can go
        return sigmoid

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_sigmoid):
        (sigmoid,) = ctx.saved_tensors
        return grad_sigmoid * sigmoid * (1 - sigmoid)


class Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        tanh = torch.tanh(x)
        ctx.save_for_backward(tanh)
        return tanh

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_tanh):
        (tanh,) = ctx.saved_tensors
        return grad_tanh * (1 - tanh**2)


def forward(state, x):
    relu = Relu.apply(x)
    sigmoid = Sigmoid.apply(x)
    tanh = Tanh.apply(x)
    return relu, sigmoid, tanh


def derivatives(state, x):
    x = x.detach().requires_grad_()
    relu, sigmoid, tanh = forward(state, x)
    (grad_relu,) = torch.autograd.grad(relu.sum(), x)
    (grad_sigmoid,) = torch.autograd.grad(sigmoid.sum(), x)
    (grad_tanh,) = torch.autograd.grad(tanh.sum(), x)
    return grad_relu, grad_sigmoid, grad_tanh
