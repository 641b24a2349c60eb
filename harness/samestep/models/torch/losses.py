"""The named losses on tensors: means over all targets, of the model's first floating output."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from samestep.models.losses import check_shape, described
from samestep.models.nested import Nested
from samestep.models.question import Loss
from samestep.models.subject import ModelError
from samestep.models.torch.user_code import model_errors


def loss_of(
    loss: Loss, outputs: Nested, floating: list[torch.Tensor], targets: torch.Tensor | None
) -> torch.Tensor:
    """Return the loss, a scalar; ``floating`` are the floating leaves of ``outputs``.

    A function is given (outputs, targets) as the model returns them. Raises `ModelError` for a name that is
    none of `samestep.models.losses.NAMES`, missing targets, other shapes, and a result that is no scalar.
    """
    if callable(loss):
        with model_errors("the loss"):
            value = loss(outputs, targets)
    elif loss not in LOSSES:
        raise ModelError(f"there is no loss {loss!r}; there are {', '.join(LOSSES)}")
    elif targets is None:
        raise ModelError(f"the loss {loss!r} needs targets")
    elif not floating:
        raise ModelError(f"the loss {loss!r} needs a floating output")
    else:
        with model_errors(f"the loss {loss!r}"):
            value = LOSSES[loss](floating[0], targets)
    if not isinstance(value, torch.Tensor) or value.numel() != 1 or not value.is_floating_point():
        raise ModelError(f"the loss is {described(value)}, not one floating number")
    return value


def _cross_entropy(logits: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Logits with the classes last, against integer classes."""
    check_shape(logits.shape[:-1], classes.shape)
    if classes.is_floating_point():
        raise ModelError("the loss 'cross_entropy' needs integer classes as targets")
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), classes.reshape(-1).long())


def _elementwise(
    function: Callable[..., torch.Tensor],
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    def loss(output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        check_shape(output.shape, targets.shape)
        return function(output, targets.to(output.dtype))

    return loss


LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "cross_entropy": _cross_entropy,
    "mse": _elementwise(functional.mse_loss),
    "l1": _elementwise(functional.l1_loss),
    "binary_cross_entropy": _elementwise(functional.binary_cross_entropy_with_logits),
}
