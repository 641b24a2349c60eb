"""One training step of a model as a pure function: outputs or loss, new state, and all gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from samestep.models.jax.definition import Call, Definition, Layers, model_errors
from samestep.models.jax.losses import named_loss
from samestep.models.jax.trees import Array, Arrays, held, is_array, is_floating, named_leaves
from samestep.models.losses import described
from samestep.models.nested import leaves
from samestep.models.question import Question
from samestep.models.subject import ModelError
from samestep.models.tensors import Role, TensorKey

#: Results of a step by key, in the order in which `TensorKey`s are listed.
Results = dict[TensorKey, Array]


@dataclass(frozen=True)
class Values:
    """The arrays that a step takes: a pytree by its fields."""

    parameters: Arrays
    state: Arrays
    carried: Arrays
    inputs: Mapping[str, Array]
    targets: Array | None = None
    cotangents: tuple[Array, ...] = ()


jax.tree_util.register_dataclass(
    Values, ["parameters", "state", "carried", "inputs", "targets", "cotangents"], []
)


@dataclass(frozen=True)
class Form:
    """What is fixed when a question is traced; a bool without axes is a flag, and stays a Python bool."""

    names: tuple[str, ...]
    positions: int
    flags: tuple[tuple[str, bool], ...]
    loss: Any
    backward: bool

    @classmethod
    def of(cls, question: Question) -> tuple[Form, dict[str, Array]]:
        """Return the form of ``question``, and its inputs by position or keyword, as jax arrays."""
        by_position = len(question.inputs) - len(question.keywords)
        names = (*map(str, range(by_position)), *question.keywords)
        inputs = {name: np.asarray(x) for name, x in zip(names, question.inputs, strict=True)}
        flags = {name: bool(x) for name, x in inputs.items() if x.dtype == bool and x.ndim == 0}
        form = cls(names, by_position, tuple(flags.items()), question.loss, question.backward)
        return form, {name: held(f"input {name}", x) for name, x in inputs.items() if name not in flags}


def forward(definition: Definition, form: Form, values: Values, layers: Layers) -> tuple[Any, Arrays]:
    """Return the model's outputs and its new state."""
    with model_errors(definition.description):
        return definition.apply(called(form, values, layers))


def called(form: Form, values: Values, layers: Layers) -> Call:
    """Return what the model is called with for ``values``."""
    given = {**values.inputs, **dict(form.flags)}
    inputs = [given.pop(name) for name in form.names[: form.positions]]
    return Call(values.parameters, values.state, values.carried, inputs, given, layers)


def named_outputs(outputs: Any) -> dict[str, Array]:
    """Return the arrays of ``outputs`` by path. Raises `ModelError` for what is no array, and for none."""
    named = leaves(outputs)
    if not all(is_array(leaf) or isinstance(leaf, (bool, int, float)) for leaf in named.values()):
        named = {path.replace("/", "."): leaf for path, leaf in named_leaves(outputs)}
    for name, leaf in named.items():
        if not is_array(leaf) and not isinstance(leaf, (bool, int, float)):
            where = f"output {name}" if name else "output"
            raise ModelError(f"the {where} is a {type(leaf).__name__}, which is no array")
        if isinstance(leaf, complex) or (is_array(leaf) and jnp.iscomplexobj(leaf)):
            raise ModelError(f"output {name}".strip() + " is complex: return its real and imaginary parts")
    if not named:
        raise ModelError(f"the model returned {outputs!r}, which holds no array")
    return {name: jnp.asarray(leaf) for name, leaf in named.items()}


def objective(form: Form, outputs: Any, targets: Array | None) -> tuple[Array, ...]:
    """Return what is differentiated: the loss, or the floating outputs."""
    floating = [x for x in named_outputs(outputs).values() if is_floating(x)]
    if form.loss is None:
        # A cotangent is float32: a narrower output meets it in float32, which rounds the gradient once.
        return tuple(x.astype(jnp.promote_types(x.dtype, jnp.float32)) for x in floating)
    if isinstance(form.loss, str) and not floating:
        raise ModelError(f"the loss {form.loss!r} needs a floating output, and the model has none")
    function = named_loss(form.loss) if isinstance(form.loss, str) else form.loss
    if isinstance(form.loss, str) and targets is None:
        raise ModelError(f"the loss {form.loss!r} needs targets")
    with model_errors("the loss"):
        loss = function(floating[0] if isinstance(form.loss, str) else outputs, targets)
    if not is_floating(loss) or loss.size != 1:
        raise ModelError(f"the loss is {described(loss)}, not one floating number")
    return (loss.reshape(()),)


def step(definition: Definition, form: Form, values: Values, layers: Layers) -> Results:
    """Return outputs, loss, new state, and gradients of inputs and parameters."""
    floats = {name: x for name, x in values.inputs.items() if is_floating(x)}
    names: list[TensorKey] = []

    def run(parameters: Arrays, floats: Arrays) -> tuple[tuple[Array, ...], list[Array]]:
        moved = replace(values, parameters=parameters, inputs={**values.inputs, **floats})
        outputs, state = forward(definition, form, moved, layers)
        named = named_outputs(outputs)
        what = objective(form, outputs, values.targets)
        found: Results = {TensorKey(Role.OUTPUT, name): x for name, x in named.items()}
        if form.loss is not None:
            found[TensorKey(Role.LOSS, "")] = what[0]
        found.update({TensorKey(Role.STATE, name): state[name] for name in definition.state})
        names[:] = found
        return what, list(found.values())

    if not form.backward:
        found = run(values.parameters, floats)[1]
        return dict(zip(names, found, strict=True))
    what, pullback, found = jax.vjp(run, dict(values.parameters), floats, has_aux=True)
    results = dict(zip(names, found, strict=True))
    cotangents = values.cotangents if form.loss is None else (jnp.ones((), what[0].dtype),)
    cotangents = tuple(c.astype(x.dtype) for c, x in zip(cotangents, what, strict=True))
    of_parameters, of_inputs = pullback(cotangents)
    results.update(
        {TensorKey(Role.INPUT_GRADIENT, name): of_inputs[name] for name in form.names if name in floats}
    )
    results.update({TensorKey(Role.GRADIENT, name): of_parameters[name] for name in definition.parameters})
    return results
