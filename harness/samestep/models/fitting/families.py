"""The table of mistakes: each a function of at most one number, with the layers where it can be made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from samestep.models.fitting import (
    activation_mistakes,
    attention_mistakes,
    loss_mistakes,
    multiples,
    norm_mistakes,
    positions,
    product_mistakes,
    recurrent_mistakes,
    residual_mistakes,
    rotary_mistakes,
    statistic_mistakes,
    update_mistakes,
)
from samestep.models.fitting.difference import EVERY, FORWARD, OUT, Difference, Models
from samestep.models.fitting.layer_kinds import ACTIVATIONS, NORMS
from samestep.models.tensors import GRADIENTS, Role


@dataclass(frozen=True)
class Family:
    """Mistakes of one ``kind``, made in some ``layers`` (all where there is none) and some roles.

    ``models`` gives them for a difference. Where a family of ``covers`` explains the same, this one only says
    it more precisely, and is named in its place.
    """

    kind: str
    models: Callable[[Difference], Models]
    layers: tuple[str, ...] = ()
    roles: tuple[Role, ...] = FORWARD
    covers: tuple[str, ...] = ()

    def applies(self, difference: Difference) -> bool:
        """Whether it can be made there; a layer of the form "loss:" stands for all losses."""
        layer = difference.layer
        prefix = layer.partition(":")[0] + ":"
        return difference.role in self.roles and (
            not self.layers or layer in self.layers or prefix in self.layers
        )


LOSS, UPDATE = ("loss:",), ("update:",)
RECURRENT = ("lstm", "gru")
SOFTMAX = ("softmax", "log_softmax")
ANY_LOSS = (*FORWARD, *GRADIENTS)

#: In the order in which kinds are named that explain equally well.
FAMILIES = (
    Family("eps", norm_mistakes.eps, NORMS),
    Family("eps place", norm_mistakes.eps_place, NORMS),
    Family("ddof", norm_mistakes.ddof, NORMS),
    Family("axis", norm_mistakes.other_means, NORMS),
    Family("affine", norm_mistakes.affine, NORMS),
    Family("one-pass", norm_mistakes.one_pass, NORMS),
    Family("slope", activation_mistakes.slope, ("relu", "leaky_relu"), covers=("activation",)),
    Family("cap", activation_mistakes.cap, ("relu", "relu6"), covers=("activation",)),
    Family("gelu form", activation_mistakes.gelu_form, ("gelu",), covers=("activation",)),
    Family("beta", activation_mistakes.beta, ("silu",), covers=("activation",)),
    Family("activation", activation_mistakes.other_function, ACTIVATIONS, covers=("not applied",)),
    Family("following", activation_mistakes.following, covers=("part", "element", "factor")),
    Family("scale", attention_mistakes.scale, ("attention",)),
    Family("scale", attention_mistakes.temperature, SOFTMAX),
    Family("axis", attention_mistakes.score_axis, ("attention",)),
    Family("axis", attention_mistakes.softmax_axis, SOFTMAX),
    Family("mask", attention_mistakes.mask, ("attention",), covers=("mask value",)),
    Family("mask value", attention_mistakes.mask_value, ("attention",)),
    Family("mask value", attention_mistakes.softmax_fill, ("softmax",)),
    Family("heads", attention_mistakes.heads, ("attention",)),
    Family("rotary", rotary_mistakes.rotary, ("rotary",)),
    Family("gate order", recurrent_mistakes.gate_order, RECURRENT),
    Family("reset", recurrent_mistakes.reset, RECURRENT),
    Family("forget bias", recurrent_mistakes.forget_bias, RECURRENT),
    Family("initial state", recurrent_mistakes.initial_state, RECURRENT),
    Family("gate function", recurrent_mistakes.functions, RECURRENT),
    Family("bias", recurrent_mistakes.recurrent_bias, RECURRENT),
    Family("direction", recurrent_mistakes.direction, RECURRENT, covers=("order",)),
    Family("bias", product_mistakes.bias, ("linear", "conv"), covers=("constant",)),
    Family("transposed", product_mistakes.turned_weight, ("linear", "conv")),
    Family("padding", product_mistakes.padding, ("conv", "avg_pool"), covers=("shift",)),
    Family("counted padding", product_mistakes.counted_padding, ("avg_pool",)),
    Family("feature order", product_mistakes.feature_order, ("linear",)),
    Family("direction", product_mistakes.reversed_input, ("linear", "conv"), covers=("order",)),
    Family("indices", product_mistakes.embedding, ("embedding",), covers=("factor",)),
    Family("smoothing", loss_mistakes.smoothing, LOSS, ANY_LOSS),
    Family("ignored", loss_mistakes.ignored, LOSS, ANY_LOSS, covers=("factor", "reduction")),
    Family("probabilities", loss_mistakes.probabilities, LOSS, ANY_LOSS),
    Family("running variance", statistic_mistakes.running_variance, ("batch_norm",), (Role.STATE,)),
    Family("momentum", statistic_mistakes.momentum, ("batch_norm",), (Role.STATE,), covers=("factor",)),
    Family("rate", update_mistakes.rate, UPDATE, (Role.UPDATE,), covers=("factor",)),
    Family("decay", update_mistakes.decay, UPDATE, (Role.UPDATE,)),
    Family("eps", update_mistakes.update_eps, UPDATE, (Role.UPDATE,)),
    Family("bias correction", update_mistakes.corrections, UPDATE, (Role.UPDATE,), covers=("factor", "rate")),
    Family("momentum form", update_mistakes.momentum_form, UPDATE, (Role.UPDATE,), covers=("factor", "rate")),
    Family("initial sum", update_mistakes.initial_sum, UPDATE, (Role.UPDATE,)),
    Family("betas", update_mistakes.betas, UPDATE, (Role.UPDATE,)),
    Family("dropout", multiples.dropout, covers=("part",)),
    Family("lost term", residual_mistakes.lost_term, roles=(*OUT, *GRADIENTS)),
    Family("order of norm", residual_mistakes.order_of_norm, roles=OUT),
    Family("not applied", residual_mistakes.identity, roles=OUT),
    Family("reduction", multiples.reduction, roles=(Role.LOSS, *GRADIENTS), covers=("factor",)),
    Family("reduction", multiples.reduction, LOSS, covers=("factor",)),
    Family("clipped", multiples.clipped, roles=GRADIENTS, covers=("factor",)),
    Family("factor", multiples.factor, roles=EVERY),
    Family("constant", multiples.constant, roles=EVERY),
    Family("element", multiples.element, roles=EVERY),
    Family("part", multiples.part, roles=EVERY),
    Family("flatten order", positions.flattened, covers=("order",)),
    Family("order", positions.transposed, roles=EVERY),
    Family("order", positions.reversed_axis, roles=EVERY),
    Family("order", positions.shifted, roles=EVERY),
    Family("order", positions.reordered, roles=EVERY),
)
