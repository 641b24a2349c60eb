"""What is known of the reference's layer that a tensor belongs to: what it is, and what goes into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Number

import numpy as np

from samestep.agreement.arithmetic.program import Refused
from samestep.models.judging import Comparison
from samestep.models.question import Question
from samestep.models.subject import Layer, ModelError, innermost, lies_in
from samestep.models.tensors import GRADIENTS, Role, TensorKey, Tensors

Arrays = tuple[np.ndarray, ...]

#: Layers, the last ones, whose values a weight may have been multiplied by.
FEW = 4


@dataclass(frozen=True, eq=False)
class Context:
    """What `samestep.models.fitting.difference.Difference` says of a tensor beside its values."""

    kind: str
    settings: Mapping[str, object] = field(default_factory=dict)
    inputs: Arrays = ()
    parameters: Mapping[str, np.ndarray] = field(default_factory=dict)


def context_of(comparison: Comparison, key: TensorKey) -> Context:
    """Return what is known of the candidate's tensor ``key``, in the reference's own shapes.

    What a gradient can be summed from is in the candidate's.
    """
    theirs = comparison.links.name_of(key)[0][0]
    own, question = comparison.programs.own, comparison.asked.reference
    loss = loss_context(question, own)
    if loss is not None and (key.role is Role.LOSS or _is_at_the_output(own, theirs)):
        return loss
    layer, is_first_call = layer_of(comparison.sides.reference.layers(), own, theirs)
    inputs: Arrays = ()
    if key.role in GRADIENTS:
        inputs = _summands(comparison, key)
    elif layer is not None and is_first_call:
        inputs = _inputs(comparison, layer)
    if layer is None:
        return Context(key.role.value, inputs=inputs)
    return Context(layer.kind, layer.settings, inputs, _parameters(comparison, layer))


def contexts_around(comparison: Comparison, key: TensorKey) -> Iterator[Context]:
    """Yield what is known of the reference's layers around that of a layer's output, the innermost first.

    The last layer in an attention gives what the attention gives: what is wrong may lie between its layers.
    """
    theirs = comparison.links.name_of(key)[0][0]
    around = [one for one in comparison.sides.reference.layers() if theirs.name.startswith(f"{one.name}.")]
    for layer in sorted(around, key=lambda one: -len(one.name)) if key.role is Role.LAYER else ():
        inputs = _inputs(comparison, layer)
        yield Context(layer.kind, layer.settings, inputs, _parameters(comparison, layer))


def layer_of(layers: Sequence[Layer], own: Tensors, theirs: TensorKey) -> tuple[Layer | None, bool]:
    """Return the reference's layer that its tensor ``theirs`` belongs to, and whether to its first call.

    An output belongs to the last layer that gives just that; a parameter and a state to the innermost layer
    that they lie in.
    """
    by_name = {layer.name: layer for layer in layers}
    if theirs.role is Role.OUTPUT:
        theirs = _last_with(own, theirs) or theirs
    if theirs.role in (Role.LAYER, Role.LAYER_GRADIENT):
        name, _, call = theirs.name.partition("#")
        inside = [one for one in by_name if name == one or name.startswith(f"{one}.")]
        found = by_name.get(name) or (by_name[max(inside, key=len)] if inside else None)
        return found, not call
    around = innermost(by_name, theirs.name)
    return (None if around is None else by_name[around]), True


def loss_context(question: Question, own: Tensors) -> Context | None:
    """Return the context of a question's loss: its inputs are logits and targets; None without a loss.

    A function's name is its own; one of integer targets may be a cross-entropy, which the fitting checks.
    """
    loss, targets = question.loss, question.targets
    if loss is None or targets is None:
        return None
    name, settings = loss, {}
    if not isinstance(loss, str):
        named = getattr(loss, "__name__", type(loss).__name__)
        name = "cross_entropy" if targets.dtype.kind in "iu" else named
        settings = {k: v for k, v in getattr(loss, "__dict__", {}).items() if isinstance(v, (str, Number))}
    outputs = [x for key, x in own.items() if key.role is Role.OUTPUT and x.dtype.kind == "f"]
    return Context(f"loss:{name}", settings, (*outputs[:1], targets))


def _is_at_the_output(own: Tensors, theirs: TensorKey) -> bool:
    """Whether this is the gradient of the loss by the output itself."""
    if theirs.role is not Role.LAYER_GRADIENT:
        return False
    outputs = [key for key, x in own.items() if key.role is Role.OUTPUT and x.dtype.kind == "f"]
    last = _last_with(own, outputs[0]) if outputs else None
    return last is not None and last.name == theirs.name


def _last_with(own: Tensors, output: TensorKey) -> TensorKey | None:
    """The last layer whose value is that output."""
    value = own[output]
    same = [key for key, x in own.items() if key.role is Role.LAYER and np.array_equal(x, value)]
    return same[-1] if same else None


def _inputs(comparison: Comparison, layer: Layer) -> Arrays:
    """What goes into a layer in the reference's exact run, which in a forced one is the candidate's."""
    question = replace(comparison.asked.reference, inputs_of=frozenset({layer.name}))
    try:
        tensors = comparison.sides.reference.program(question).exact()
    except (ModelError, Refused):  # it ran without being watched: then there is no diagnosis, and no more
        return ()
    return tuple(x for key, x in tensors.items() if key.role is Role.LAYER_INPUT)


def _parameters(comparison: Comparison, layer: Layer) -> dict[str, np.ndarray]:
    """The layer's parameters and state by their short names."""
    reference = comparison.sides.reference
    return {
        name[len(layer.name) + 1 :]: value
        for name, value in {**reference.parameters(), **reference.state()}.items()
        if lies_in(name, layer.name)
    }


def _summands(comparison: Comparison, key: TensorKey) -> Arrays:
    """What a gradient may be summed over or from: the first output and the targets, and gradients like it."""
    exact = comparison.expected.exact
    outputs = [x for other, x in exact.items() if other.role is Role.OUTPUT and x.dtype.kind == "f"]
    targets = comparison.asked.candidate.targets
    alike = [
        x
        for other, x in exact.items()
        if other.role is Role.LAYER_GRADIENT and other != key and x.shape == exact[key].shape
    ]
    return (*outputs[:1], *([] if targets is None else [targets]), *alike, *_products(comparison, key))


def _products(comparison: Comparison, key: TensorKey) -> Iterator[np.ndarray]:
    """What a weight's gradient has from a product with it: of a tied head, the part that is easily lost."""
    exact, question = comparison.expected.exact, comparison.asked.candidate
    shape = exact[key].shape
    if key.role is not Role.GRADIENT or len(shape) != 2:
        return
    slopes = [
        x for other, x in exact.items() if other.role is Role.LAYER_GRADIENT and x.shape[-1:] == shape[:1]
    ]
    outputs = [x for other, x in exact.items() if other.role is Role.OUTPUT and x.dtype.kind == "f"]
    if question.loss is None:
        slopes += [question.cotangent(i, x.shape) for i, x in enumerate(outputs) if x.shape[-1:] == shape[:1]]
    values = [x for other, x in exact.items() if other.role is Role.LAYER and x.shape[-1:] == shape[1:]]
    for slope in slopes[-FEW:]:
        for value in values[-FEW:]:
            if slope.size // shape[0] == value.size // shape[1]:
                yield slope.reshape(-1, shape[0]).astype(np.float64).T @ value.reshape(-1, shape[1])
