"""PyTorch autograd with an attention of our own, which computes its probabilities again on the way back.

Recorded step by step, attention keeps its (t, t) probabilities until the backward pass, and in long texts
they are most of the memory. What suffices is one number for each position, log(sum(exp(scores))):
exp(scores - that) are the probabilities again. And sum(grad_p * p), which the softmax's gradient takes from
each row, is sum(grad * mixed), of two vectors that are there: grad_p[j] is sum(grad * v[j]), and mixed is
the sum of all p[j] v[j]. FlashAttention does the same in blocks.
"""

import math

import torch
from torch.autograd.function import once_differentiable

from . import torch_sdpa
from .torch_sdpa import adopt, export, heads_of, network

__all__ = ["adopt", "export", "forward", "loss_and_grads", "trace", "train_step"]

READ_AFTER = "torch_sdpa"


def scores_of(q, k, mask):
    return (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, -math.inf)


class Attention(torch.autograd.Function):
    """Of qkv and a mask, which has no gradient."""

    @staticmethod
    def forward(ctx, qkv, mask):
        q, k, v = heads_of(qkv)
        scores = scores_of(q, k, mask)
        log_sums = torch.logsumexp(scores, dim=-1, keepdim=True)
        mixed = torch.exp(scores - log_sums) @ v
        ctx.save_for_backward(qkv, mask, log_sums, mixed)
        return mixed.transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        qkv, mask, log_sums, mixed = ctx.saved_tensors
        (q, k, v), grad = heads_of(qkv), grad.transpose(1, 2)
        p = torch.exp(scores_of(q, k, mask) - log_sums)
        along = (grad * mixed).sum(dim=-1, keepdim=True)
        grad_scores = p * (grad @ v.mT - along) / math.sqrt(q.shape[-1])
        grads = torch.stack([grad_scores @ k, grad_scores.mT @ q, p.mT @ grad])
        return grads.permute(1, 3, 0, 2, 4), None


@torch.inference_mode()
def forward(state, x, tanh):
    return network(state, x, tanh, Attention.apply)["logits"]


def trace(state, x, y, tanh, smoothing):
    return torch_sdpa.trace(state, x, y, tanh, smoothing, Attention.apply)


def loss_and_grads(state, x, y, tanh, smoothing):
    return torch_sdpa.loss_and_grads(state, x, y, tanh, smoothing, Attention.apply)


def train_step(state, x, y, tanh, smoothing, learning_rate):
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    with torch.no_grad():
        for name, grad in grads.items():
            state[name].sub_(grad, alpha=learning_rate)
    return state, loss
