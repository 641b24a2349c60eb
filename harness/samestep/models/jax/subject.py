"""A JAX model as one side of a comparison: plain functions, Flax Linen and NNX, Equinox."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from samestep.agreement.arithmetic.jaxpr.program import JaxProgram
from samestep.agreement.arithmetic.program import Contract, Program, Refused
from samestep.models.found_framework import values_named
from samestep.models.jax import function
from samestep.models.jax.again import traces_alike
from samestep.models.jax.definition import NEEDS_VALUES, Definition, Layers, model_errors, one_line
from samestep.models.jax.optimizer import optimizer_steps
from samestep.models.jax.optimizer_settings import settings_of_optax
from samestep.models.jax.step import Form, Values, called, forward, objective, step
from samestep.models.jax.traced import Traced, trace
from samestep.models.jax.trees import Array, Arrays, fitting, held, in_common_dtype, in_dtype, on_host
from samestep.models.jax.values_on_the_way import values_on_the_way, with_layers
from samestep.models.on_the_way import ValueOnTheWay
from samestep.models.question import Question, Steps
from samestep.models.subject import Layer, ModelError
from samestep.models.tensors import TensorKey, Tensors
from samestep.models.twice import Twice, changed
from samestep.models.twice import held as held_values

Compiled = Callable[[Values, Sequence[Array]], list[Array]]


@dataclass
class Memory:
    """What runs of a model leave: compiled steps, its layers, and what keeps it from being traced."""

    compiled: dict[Any, tuple[Traced, Compiled]] = field(default_factory=dict)
    layers: tuple[Layer, ...] = ()
    eager: str = ""


@dataclass(frozen=True)
class JaxSubject:
    """A JAX model with its parameters and state, made by one of the ``from_`` methods."""

    definition: Definition
    memory: Memory = field(default_factory=Memory, compare=False)
    framework: str = "jax"

    @classmethod
    def from_function(cls, call: Callable[..., Any], params: Any = None, state: Any = None) -> JaxSubject:
        """Return a subject of ``call(params, *inputs)``, or ``call(params, state, *inputs)``."""
        if "flax.linen" in sys.modules and state is None:
            from samestep.models.jax import linen

            definition = linen.of_apply(call, params)
            if definition is not None:
                return cls(definition)
        return cls(function.define(call, params, state))

    @classmethod
    def from_linen(
        cls, module: Any, variables: Any = None, rngs: Mapping[str, Any] | None = None, **options: Any
    ) -> JaxSubject:
        """Return a subject of a Flax Linen ``module`` with ``variables``, or bound to them.

        ``options`` are further arguments of its ``apply``: train=False, method="encode".
        """
        from samestep.models.jax import linen

        if variables is None:
            return cls(linen.bound(module, options))
        return cls(linen.define(module, variables, rngs, options))

    @classmethod
    def from_nnx(cls, module: Any) -> JaxSubject:
        """Return a subject of a Flax NNX ``module`` in the mode that it is in."""
        from samestep.models.jax import nnx

        return cls(nnx.define(module))

    @classmethod
    def from_equinox(
        cls, module: Any, state: Any = None, call: Callable[..., Any] | None = None
    ) -> JaxSubject:
        """Return a subject of an Equinox ``module``, called as ``call(module, *inputs)``.

        With an `equinox.nn.State`: ``call(module, *inputs, state) -> (outputs, new_state)``.
        """
        from samestep.models.jax import equinox

        return cls(equinox.define(module, state, call))

    def describe(self) -> str:
        """Return what it is in a few words."""
        eager = ", runs eagerly because it needs traced values in Python" if self.memory.eager else ", jit"
        return self.definition.description + eager

    def parameters(self) -> Mapping[str, np.ndarray]:
        """Return the trainable parameters by path."""
        return {name: on_host(x) for name, x in self.definition.parameters.items()}

    def frozen(self) -> frozenset[str]:
        """Return none: JAX differentiates by all parameters."""
        return frozenset()

    def state(self) -> Mapping[str, np.ndarray]:
        """Return what is not trained: running statistics, carries, integer arrays; not random keys."""
        return {name: on_host(x) for name, x in self.definition.state.items()}

    def layers(self) -> Sequence[Layer]:
        """Return the layers in the order of their calls, after the first run."""
        return self.memory.layers

    def with_values(
        self, parameters: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray]
    ) -> JaxSubject:
        """Return this model with other values of some parameters and state. Raises `ModelError`."""
        changed = replace(
            self.definition,
            parameters=_changed("parameter", self.definition.parameters, parameters),
            state=_changed("state", self.definition.state, state),
        )
        return replace(self, definition=changed)

    def cast(self, dtype: str) -> JaxSubject:
        """Return this model with floating parameters and state in a dtype, by its name."""
        mine = self.definition
        parameters, state = in_dtype(mine.parameters, dtype), in_dtype(mine.state, dtype)
        return JaxSubject(replace(mine, parameters=parameters, state=state), framework=self.framework)

    def run(self, question: Question) -> Tensors:
        """Return the tensors of one run, compiled as one function. Raises `ModelError`."""
        form, values = self._asked(question)
        try:
            traced, compiled = self._traced(question, form, values)
        except NEEDS_VALUES as error:
            self.memory.eager = type(error).__name__
            return self._eagerly(question, form, values)
        with model_errors(self.definition.description):
            results = compiled(
                _with_cotangents(question, values, traced.cotangents), _forced(question, traced)
            )
            return {key: on_host(x) for key, x in zip(traced.keys, results, strict=True)}

    def run_twice(self, question: Question) -> Twice:
        """Return two runs; of a plain function that is another one when it is traced again, also anew.

        Raises `ModelError`.
        """
        call = self.definition.function
        if call is None:
            return Twice(self.run(question), self.run(question))
        first, before = self.run(question), held_values(values_named(call))
        form, values = self._asked(question)
        again = self
        if not self.memory.eager and not traces_alike(self.definition, form, values):
            again = replace(self, memory=Memory())
        second = again.run(question)
        return Twice(first, second, changed(before, held_values(values_named(call))))

    def program(self, question: Question, contract: Contract | None = None) -> Program[TensorKey]:
        """Return the same run for the JAX engine. Raises `Refused` for what cannot be traced."""
        form, values = self._asked(question)
        try:
            traced, _ = self._traced(question, form, values)
        except NEEDS_VALUES as error:
            raise Refused(
                f"{self.definition.description} needs traced values in Python: {one_line(error)}"
            ) from error
        values = _with_cotangents(question, values, traced.cotangents)
        given = [np.asarray(x) for x in question.forced.values()]
        arguments = (values, _forced(question, traced))
        return JaxProgram(traced.named, arguments, contract, unrounded=(values, given))

    def values_on_the_way(self, question: Question) -> list[ValueOnTheWay]:
        """Return every floating value of one run in the order of the operations. Raises `ModelError`."""
        form, values = self._asked(question)
        places: list[str] = []

        def all_values(values: Values) -> list[Array]:
            found = values_on_the_way(self.definition, called(form, values, Layers()))
            places[:] = [place for place, _ in found]
            return [value for _, value in found]

        with model_errors(self.definition.description):
            arrays = jax.jit(all_values)(values)
        return [
            ValueOnTheWay(number, place, on_host(x))
            for number, (place, x) in enumerate(zip(places, arrays, strict=True))
        ]

    def with_layers(self, layers: Mapping[int, Layer]) -> JaxSubject:
        """Return this model with the values of these numbers as the outputs of ``layers``."""
        return JaxSubject(with_layers(self.definition, layers), framework=self.framework)

    def run_steps(self, optimizer: object, steps: Steps) -> Tensors:
        """Return the updates of an optax transformation or an (init, update) pair. Raises `ModelError`."""
        updates = optimizer_steps(self.definition, optimizer, steps)
        with model_errors("the optimizer"):
            new = jax.jit(updates.function)(*updates.arguments)
        return {key: on_host(x) for key, x in zip(updates.keys, new, strict=True)}

    def steps_program(self, optimizer: object, steps: Steps) -> Program[TensorKey]:
        """Return the same steps for the JAX engine. Raises `Refused`."""
        updates = optimizer_steps(self.definition, optimizer, steps)
        return JaxProgram(updates.named, updates.arguments)

    def optimizer_settings(self, optimizer: object) -> Layer | None:
        """Return what an optax transformation is made of, where that can be told."""
        return settings_of_optax(optimizer)

    def _asked(self, question: Question) -> tuple[Form, Values]:
        form, inputs = Form.of(question)
        targets = {} if question.targets is None else {"targets": held("targets", question.targets)}
        if question.dtype is not None:
            inputs, targets = in_dtype(inputs, question.dtype), in_dtype(targets, question.dtype)
        else:
            inputs = in_common_dtype(inputs, self.definition.parameters)
        mine = self.definition
        return form, Values(mine.parameters, mine.state, mine.carried, inputs, targets.get("targets"))

    def _traced(self, question: Question, form: Form, values: Values) -> tuple[Traced, Compiled]:
        forced = tuple(question.forced)
        shapes = jax.tree_util.tree_map(lambda x: (x.shape, x.dtype), values)
        signature = (form, forced, question.inputs_of, str(shapes))
        if signature not in self.memory.compiled:
            traced = trace(self.definition, form, values, forced, question.inputs_of)
            self.memory.compiled[signature] = traced, jax.jit(traced.function)
            self.memory.layers = traced.layers
        return self.memory.compiled[signature]

    def _eagerly(self, question: Question, form: Form, values: Values) -> Tensors:
        """The run of a model that needs traced values in Python, operation by operation; without layers."""
        if question.forced:
            raise ModelError(f"{self.describe()}: no layer can be forced")
        try:
            outputs, _ = forward(self.definition, form, values, Layers())
            shapes = [x.shape for x in objective(form, outputs, values.targets)] if form.loss is None else []
            results = step(self.definition, form, _with_cotangents(question, values, shapes), Layers())
        except NEEDS_VALUES as error:
            raise ModelError(
                f"{self.definition.description} cannot be differentiated: {one_line(error)}"
            ) from error
        return {key: on_host(x) for key, x in results.items()}


def _with_cotangents(question: Question, values: Values, shapes: Sequence[tuple[int, ...]]) -> Values:
    return replace(
        values, cotangents=tuple(jnp.asarray(question.cotangent(i, s)) for i, s in enumerate(shapes))
    )


def _forced(question: Question, traced: Traced) -> list[Array]:
    """The question's forced values as jax arrays. Raises `ModelError` for another shape."""
    return [fitting(str(key), x, traced.tagged[key]) for key, x in question.forced.items()]


def _changed(kind: str, old: Arrays, new: Mapping[str, np.ndarray]) -> Arrays:
    unknown = next((name for name in new if name not in old), None)
    if unknown is not None:
        raise ModelError(f"there is no {kind} {unknown!r}; there are {', '.join(old) or 'none'}")
    return {**old, **{name: fitting(f"{kind} {name!r}", x, old[name]) for name, x in new.items()}}
