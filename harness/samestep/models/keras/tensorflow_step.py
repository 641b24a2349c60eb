"""One forward and backward pass of a TensorFlow model, as it really runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from samestep.models.keras.tensorflow_losses import loss_of
from samestep.models.keras.tensorflow_network import Instance
from samestep.models.keras.tensorflow_values import is_floating, tensors_in, to_array, to_tensor
from samestep.models.nested import Nested, replaced
from samestep.models.question import Question
from samestep.models.subject import Layer, ModelError
from samestep.models.tensors import Role, TensorKey, Tensors


class Observer:
    """Records what each layer returns and the gradient there, and forces what the question gives."""

    def __init__(self, question: Question) -> None:
        self.forced = {(key.role, key.name): value for key, value in question.forced.items()}
        self.backward = question.backward
        self.calls: Counter[str] = Counter()
        self.outputs: dict[str, tf.Tensor] = {}
        self.gradients: dict[str, tf.Tensor] = {}

    def mark(self, layer: Layer, outputs: Nested) -> Nested:
        """Return what goes on from a layer."""
        self.calls[layer.name] += 1
        call = layer.name if self.calls[layer.name] == 1 else f"{layer.name}#{self.calls[layer.name]}"
        several = len(tensors_in(outputs)) > 1

        def visit(path: str, leaf: Any) -> Any:
            if not isinstance(leaf, tf.Tensor) or not hasattr(leaf, "numpy") or not is_floating(leaf):
                return leaf  # symbolic tensors live inside a loop or a vectorised map
            return self._visit(f"{call}.{path}" if several else call, leaf)

        return replaced(outputs, visit)

    def _visit(self, name: str, tensor: tf.Tensor) -> tf.Tensor:
        self.outputs[name] = tensor
        given = {role: self.forced.get((role, name)) for role in (Role.LAYER, Role.LAYER_GRADIENT)}
        for value in given.values():
            if value is not None and value.shape != tuple(tensor.shape):
                raise ModelError(
                    f"layer {name} has the shape {tuple(tensor.shape)}; {value.shape} cannot be forced on it"
                )
        value, gradient = given[Role.LAYER], given[Role.LAYER_GRADIENT]

        def backward(incoming: Any) -> tf.Tensor:
            own = tf.convert_to_tensor(incoming)
            self.gradients.setdefault(name, own)
            return own if gradient is None else tf.cast(gradient, own.dtype)

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def passed(own: tf.Tensor) -> tuple[tf.Tensor, Any]:
            return tf.identity(own if value is None else tf.cast(value, own.dtype)), backward

        return passed(tensor)

    def check_forced(self) -> None:
        """Raise `ModelError` where a forced layer was not met."""
        for _, name in self.forced:
            if name not in self.outputs:
                met = ", ".join(self.outputs) or "none"
                raise ModelError(f"there is no layer {name} to force; there are {met}")


def input_names(question: Question) -> list[str]:
    """Return the names of the inputs: their positions, or their keywords."""
    return [*map(str, range(len(question.inputs) - len(question.keywords))), *question.keywords]


def run_step(instance: Instance, question: Question, observer: Observer) -> Tensors:
    """Return all tensors of the run. Raises `ModelError`, and whatever the model itself raises."""
    names = input_names(question)
    inputs = {n: to_tensor(x, f"input {n}") for n, x in zip(names, question.inputs, strict=True)}
    targets = None if question.targets is None else to_tensor(question.targets, "targets")
    positional = [inputs[n] for n in names if n not in question.keywords]
    sources = {TensorKey(Role.INPUT_GRADIENT, n): x for n, x in inputs.items() if is_floating(x)}
    sources.update({TensorKey(Role.GRADIENT, n): x for n, x in instance.parameters.items() if is_floating(x)})
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        for source in sources.values() if question.backward else ():
            tape.watch(source)
        outputs = instance.call(*positional, **{n: inputs[n] for n in question.keywords})
        found = tensors_in(outputs)
        if not found:
            raise ModelError("the model returns no tensor, so there is nothing to compare")
        floating = [x for x in found.values() if is_floating(x)]
        loss = None if question.loss is None else loss_of(question.loss, outputs, floating, targets)
    observer.check_forced()
    state = {name: tf.identity(value) for name, value in instance.state().items()}
    computed: dict[TensorKey, Any] = {TensorKey(Role.LAYER, n): x for n, x in observer.outputs.items()}
    computed.update({TensorKey(Role.OUTPUT, n): x for n, x in found.items()})
    if loss is not None:
        computed[TensorKey(Role.LOSS, "")] = loss
    computed.update({TensorKey(Role.STATE, n): x for n, x in state.items()})
    if question.backward:
        gradients = _gradients(
            tape, [loss] if loss is not None else floating, sources, question, loss is None
        )
        layers = reversed([name for name in observer.outputs if name in observer.gradients])
        computed.update({TensorKey(Role.LAYER_GRADIENT, n): observer.gradients[n] for n in layers})
        computed.update(gradients)
    return {key: to_array(tensor, str(key)) for key, tensor in computed.items()}


def _gradients(
    tape: tf.GradientTape, of: list[Any], sources: Mapping[TensorKey, Any], question: Question, free: bool
) -> dict[TensorKey, Any]:
    """The gradients of a loss, or of the outputs' products with the cotangents where it is ``free``."""
    if not of:
        raise ModelError("the model returns no floating tensor, so there is no gradient to compare")
    cotangents = [
        tf.cast(question.cotangent(index, tuple(output.shape)), output.dtype)
        for index, output in enumerate(of)
    ]
    found = tape.gradient(
        of,
        list(sources.values()),
        output_gradients=cotangents if free else None,
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    return dict(zip(sources, found, strict=True))
