"""An exported model as one side of a comparison: onnxruntime runs it, and its operators are interpreted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import onnxruntime

from samestep.agreement.arithmetic.numpy_program import NumpyProgram
from samestep.agreement.arithmetic.program import Contract, Program, Refused
from samestep.models.numpy import loss_of
from samestep.models.on_the_way import ValueOnTheWay
from samestep.models.onnx.graph import Graph
from samestep.models.onnx.interpreter import Interpreter, lifted
from samestep.models.onnx.operation import Value, is_floating
from samestep.models.onnx.scopes import Shown
from samestep.models.onnx.session import Runner
from samestep.models.question import Question
from samestep.models.subject import Layer, ModelError, WithoutOptimizers, first_line
from samestep.models.tensors import Role, TensorKey, Tensors
from samestep.models.twice import Twice


@dataclass(frozen=True)
class OnnxSubject(WithoutOptimizers):
    """A ``graph``, what ``runner`` runs of it, and the values that are ``shown`` as layers."""

    NO_OPTIMIZERS: ClassVar[str] = "an ONNX graph is not trained: leave optimizer= out"

    graph: Graph
    runner: Runner
    shown: tuple[Shown, ...] = ()
    framework: str = "onnx"

    def describe(self) -> str:
        """Return what it is in a few words."""
        return (
            f"ONNX graph {self.graph.name}, opset {self.graph.opset}, "
            f"in onnxruntime {onnxruntime.__version__}, without gradients"
        )

    def parameters(self) -> Mapping[str, np.ndarray]:
        """Return the floating initializers by name, without running statistics and single numbers."""
        return {n: x for n, x in self.graph.arrays().items() if n not in self.graph.statistics}

    def frozen(self) -> frozenset[str]:
        """Return none: there are no gradients at all."""
        return frozenset()

    def state(self) -> Mapping[str, np.ndarray]:
        """Return the running statistics of BatchNormalization nodes."""
        return {n: x for n, x in self.graph.arrays().items() if n in self.graph.statistics}

    def layers(self) -> Sequence[Layer]:
        """Return the modules that the graph was exported from, where it says so."""
        return tuple({one.layer.name: one.layer for one in self.shown}.values())

    def with_values(
        self, parameters: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray]
    ) -> OnnxSubject:
        """Return the graph with other initializers. Raises `ModelError`."""
        _check(parameters, self.parameters(), "parameter")
        _check(state, self.state(), "state")
        graph = self.graph.with_initializers({**parameters, **state})
        return replace(self, graph=graph, runner=Runner(graph, providers=self.runner.providers))

    def cast(self, dtype: str) -> OnnxSubject:
        """Raise `ModelError`: a graph's dtypes are written into it."""
        raise ModelError(
            f"an ONNX graph has its dtypes in it: export it in {dtype}, for a reference of the same weights"
        )

    def run(self, question: Question) -> Tensors:
        """Return outputs, loss and layers, as onnxruntime computes them. Raises `ModelError`."""
        if question.forced:
            raise ModelError("onnxruntime cannot go on from other values than its own")
        feeds = self._feeds(question)
        try:
            outputs = self.runner.outputs(feeds)
            values = self.runner.values([one.value for one in self.shown], feeds)
        except ModelError:
            raise
        except Exception as error:  # onnxruntime's own exceptions have no common class
            raise ModelError(f"onnxruntime raises {type(error).__name__}: {first_line(error)}") from error
        tensors = self._tensors(question, outputs, values, self.state(), np.asarray)
        return {key: np.asarray(x) for key, x in tensors.items()}

    def run_twice(self, question: Question) -> Twice:
        """Return two such runs. Raises `ModelError`."""
        return Twice(self.run(question), self.run(question))

    def program(self, question: Question, contract: Contract | None = None) -> Program[TensorKey]:
        """Return the graph's operators on the array type that follows rounding. Raises `Refused`.

        A narrow graph is followed in exact runs alone, which do without its rounding.
        """
        narrow = next((x.dtype for x in self.graph.initializers.values() if _is_narrow(x)), None)
        if narrow is not None and contract is not None:
            raise Refused(f"the graph has arrays of {narrow}: the rounding of float32 alone is followed here")

        def compute(lift: Callable[[np.ndarray], Any]) -> Mapping[TensorKey, Any]:
            return self._interpreted(question, lift)

        return NumpyProgram(compute, contract or Contract.FLOAT32)

    def values_on_the_way(self, question: Question) -> Sequence[ValueOnTheWay]:
        """Return every floating value of one run, each by its node. Raises `ModelError`."""
        made = [(node.place, name) for node in self.graph.nodes for name in node.outputs if name]
        found = self.runner.values([name for _, name in made], self._feeds(question))
        return [
            ValueOnTheWay(number, place, found[name])
            for number, (place, name) in enumerate(made)
            if name in found and found[name].dtype.kind == "f"
        ]

    def with_layers(self, layers: Mapping[int, Layer]) -> OnnxSubject:
        """Return the graph with the values of these numbers as layers."""
        names = [name for node in self.graph.nodes for name in node.outputs if name]
        shown = tuple(Shown(names[number], layer.name, layer) for number, layer in sorted(layers.items()))
        return replace(self, shown=shown, runner=Runner(self.graph, self.runner.own, self.runner.providers))

    def _named(self, question: Question) -> dict[str, np.ndarray]:
        """The inputs by the graph's own names. Raises `ModelError`."""
        own = list(self.graph.inputs)
        by_position = len(question.inputs) - len(question.keywords)
        names = [*own[:by_position], *question.keywords]
        if len(names) != len(question.inputs) or sorted(names) != sorted(own):
            got = ", ".join(question.keywords) or f"{len(question.inputs)} by position"
            raise ModelError(f"the ONNX graph takes {', '.join(own) or 'no inputs'}, and is given {got}")
        return dict(zip(names, question.inputs, strict=True))

    def _feeds(self, question: Question) -> dict[str, np.ndarray]:
        """The inputs as onnxruntime takes them, in the graph's own dtypes. Raises `ModelError`."""
        return {name: _as(x, self.graph.inputs[name], name) for name, x in self._named(question).items()}

    def _interpreted(self, question: Question, lift: Callable[[np.ndarray], Any]) -> Mapping[TensorKey, Any]:
        feeds, inputs = self._feeds(question), self._named(question)
        feeds.update(
            {name: x for name, x in inputs.items() if is_floating(x)}
        )  # not as a narrow graph rounds
        zero = lift(np.asarray(0.0))
        arrays = self.graph.arrays()
        given = {name: lift(_wide(x)) if is_floating(x) else x for name, x in {**feeds, **arrays}.items()}

        def number(array: np.ndarray) -> Value:
            return zero.lift(_wide(array))

        for name, array in self.graph.initializers.items():
            given.setdefault(name, lifted(array, number))
        forced = {key.name: value for key, value in question.forced.items() if key.role is Role.LAYER}
        places = {one.value: forced[one.call] for one in self.shown if one.call in forced}
        own: dict[str, Value] = {}

        def visit(name: str, value: Value) -> Value:
            own[name] = value
            return lift(_wide(places[name])) if name in places else value

        values = Interpreter(self.graph, lift, number, visit).run(given)
        outputs = [values[name] for name in self.graph.outputs]
        state = {name: given[name] for name in self.state()}
        return self._tensors(question, outputs, own, state, lift)

    def _tensors(
        self, question: Question, outputs: Sequence[Any], values: Mapping[str, Any], state: Mapping[str, Any],
        lift: Callable[[np.ndarray], Any],
    ) -> dict[TensorKey, Any]:  # fmt: skip
        shown = {one.call: values[one.value] for one in self.shown if one.value in values}
        tensors = {TensorKey(Role.LAYER, call): value for call, value in shown.items()}
        names = self.graph.outputs if len(outputs) > 1 else ("",)
        named = dict(zip(names, outputs, strict=True))
        tensors.update({TensorKey(Role.OUTPUT, name): x for name, x in named.items()})
        if question.loss is not None:
            targets = None if question.targets is None else lift(question.targets)
            whole = named if len(outputs) > 1 else outputs[0]
            tensors[TensorKey(Role.LOSS, "")] = loss_of(question.loss, whole, targets)
        return tensors | {TensorKey(Role.STATE, name): x for name, x in state.items()}


def _check(values: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray], kind: str) -> None:
    for name, value in values.items():
        if name not in own:
            raise ModelError(f"the graph has no {kind} {name}; there are {', '.join(own) or 'none'}")
        if np.shape(value) != own[name].shape:
            raise ModelError(f"{kind} {name} has the shape {own[name].shape}, not {np.shape(value)}")


def _as(array: np.ndarray, dtype: np.dtype, name: str) -> np.ndarray:
    """An input in the dtype that the graph declares; only the width may differ."""
    kinds = ("iu", "fV", "b")
    if not any(array.dtype.kind in kind and dtype.kind in kind for kind in kinds):
        raise ModelError(f"input {name} is {array.dtype}, and the ONNX graph takes {dtype}")
    return np.asarray(array, dtype)


def _wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64) if array.dtype.kind in "fV" else array


def _is_narrow(array: np.ndarray) -> bool:
    return array.dtype.kind in "fV" and array.dtype.itemsize < np.dtype(np.float32).itemsize
