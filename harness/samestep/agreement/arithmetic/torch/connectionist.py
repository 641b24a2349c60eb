"""The CTC loss and its gradient, as the recursions over time that its kernels make.

With blanks between the labels there are 2 L + 1 states. The logarithm of the sum over all ways to a state at
a time is made of at most three of the time before; the ways from it on are counted backwards in the same way.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.decompositions import parts_of
from samestep.agreement.arithmetic.torch.places import refuse

_NEVER = -torch.inf


def _lengths(given: Any, device: torch.device) -> Tensor:
    return given.to(torch.int64) if isinstance(given, Tensor) else torch.tensor(given, device=device)


def _labels(targets: Tensor, lengths: Tensor, blank: int) -> tuple[Tensor, Tensor]:
    """The label of each state, (batch, states), and which states may be entered two steps on."""
    count = int(lengths.max())
    if targets.dim() == 1:
        starts = lengths.cumsum(0) - lengths
        places = (starts[:, None] + torch.arange(count, device=targets.device)).clamp_max(targets.numel() - 1)
        targets = targets[places]
    given = torch.arange(count, device=targets.device) < lengths[:, None]
    states = torch.full((len(lengths), 2 * count + 1), blank, dtype=torch.int64, device=targets.device)
    states[:, 1::2] = torch.where(given, targets[:, :count], blank)
    skips = torch.zeros_like(states, dtype=torch.bool)
    skips[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    return states, skips


def _sum_of_ways(*ways: Tensor) -> Tensor:
    """The logarithm of a sum of exponentials; -inf of nothing but -inf."""
    every = torch.stack(ways)
    largest = every.amax(0)
    shift = torch.where(largest == _NEVER, 0.0, largest)
    return (every - shift).exp().sum(0).log() + shift


def _shifted(x: Tensor, by: int) -> Tensor:
    """The values of the states ``by`` before (after, where it is negative); -inf where there are none."""
    pad = torch.full_like(x[:, : abs(by)], _NEVER)
    return torch.cat([pad, x[:, :-by]] if by > 0 else [x[:, -by:], pad], 1)


def _forward_ways(emitted: Tensor, skips: Tensor) -> Tensor:
    """The logarithms of all ways to each state, (time, batch, states)."""
    alpha = torch.where(torch.arange(emitted.shape[2], device=emitted.device) < 2, emitted[0], _NEVER)
    every = [alpha]
    for t in range(1, emitted.shape[0]):
        jumped = torch.where(skips, _shifted(alpha, 2), _NEVER)
        alpha = _sum_of_ways(alpha, _shifted(alpha, 1), jumped) + emitted[t]
        every.append(alpha)
    return torch.stack(every)


def _likelihood(alpha: Tensor, steps: Tensor, lengths: Tensor) -> Tensor:
    """Minus the logarithm of all ways to the last label or the blank after it, at the last time."""
    last = alpha[steps - 1, torch.arange(len(steps), device=alpha.device)]
    blank = last.gather(1, 2 * lengths[:, None])[:, 0]
    label = last.gather(1, (2 * lengths[:, None] - 1).clamp_min(0))[:, 0]
    return -_sum_of_ways(blank, torch.where(lengths > 0, label, _NEVER))


def _emitted(scores: Tensor, states: Tensor) -> Tensor:
    return scores.gather(2, states.expand(scores.shape[0], *states.shape))


@parts_of("_ctc_loss")
def _ctc_loss(
    scores: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
    zero_infinity: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    scores = scores if scores.dim() == 3 else scores.unsqueeze(1)
    steps, lengths = _lengths(input_lengths, scores.device), _lengths(target_lengths, scores.device)
    states, skips = _labels(targets, lengths, blank)
    alpha = _forward_ways(_emitted(scores, states), skips)
    return _likelihood(alpha, steps, lengths), alpha.transpose(0, 1).contiguous()


@parts_of("_ctc_loss_backward")
def _ctc_loss_backward(
    g: Tensor, scores: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any,
    negative_log: Tensor, log_alpha: Tensor, blank: int, zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """g (e^score - the share of all ways that emit a label at a time)."""
    if scores.dim() != 3:
        refuse("_ctc_loss_backward", "no rule for a sequence without a batch")
    steps, lengths = _lengths(input_lengths, scores.device), _lengths(target_lengths, scores.device)
    states, skips = _labels(targets, lengths, blank)
    emitted = _emitted(scores, states)
    beta = _backward_ways(emitted, skips, steps, lengths)
    through = log_alpha.transpose(0, 1)[..., : states.shape[1]] + beta
    share = torch.full_like(scores, _NEVER)
    places = states.expand(scores.shape[0], *states.shape)
    most = share.scatter_reduce(2, places, through, "amax")
    shift = torch.where(most == _NEVER, 0.0, most)
    ways = torch.zeros_like(scores).scatter_add(2, places, (through - shift.gather(2, places)).exp())
    log_share = ways.log() + shift + negative_log[:, None] - scores
    slope = torch.where(ways > 0, scores.exp() - log_share.exp(), scores.exp()) * g[:, None]
    runs = torch.arange(scores.shape[0], device=scores.device)[:, None] < steps
    slope = torch.where(runs.unsqueeze(2), slope, 0.0)
    return torch.where((negative_log == torch.inf)[:, None], 0.0, slope) if zero_infinity else slope


def _backward_ways(emitted: Tensor, skips: Tensor, steps: Tensor, lengths: Tensor) -> Tensor:
    """The logarithms of all ways from each state on, with what it emits itself, (time, batch, states)."""
    place = torch.arange(emitted.shape[2], device=emitted.device)
    ends = (place == 2 * lengths[:, None]) | (place == 2 * lengths[:, None] - 1)
    beta = torch.full_like(emitted[0], _NEVER)
    every = []
    ahead = torch.cat([skips[:, 2:], torch.zeros_like(skips[:, :2])], 1)
    for t in reversed(range(emitted.shape[0])):
        jumped = torch.where(ahead, _shifted(beta, -2), _NEVER)
        on = _sum_of_ways(beta, _shifted(beta, -1), jumped) + emitted[t]
        begun = torch.where(ends, emitted[t], _NEVER)
        beta = torch.where((steps - 1 == t)[:, None], begun, torch.where((t < steps)[:, None], on, beta))
        every.append(beta)
    return torch.stack(every[::-1])
