"""A NumPy function as one side of a comparison: outputs and state, without gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from samestep.agreement.arithmetic.numpy_program import NumpyProgram
from samestep.agreement.arithmetic.program import Contract, Program, Refused
from samestep.models.found_framework import values_named
from samestep.models.losses import check_classes, check_shape, described
from samestep.models.nested import Nested, leaves, outputs_and_state, replaced
from samestep.models.question import Loss, Question
from samestep.models.subject import Layer, ModelError, WithoutOptimizers, first_line
from samestep.models.tensors import Role, TensorKey, Tensors
from samestep.models.twice import Twice, called_twice


@dataclass(frozen=True)
class NumpySubject(WithoutOptimizers):
    """``call(params, *inputs)``, or with a state ``call(params, state, *inputs) -> (outputs, new_state)``.

    ``values`` and ``held`` are the params and the state, nested as the call takes them; None where it takes
    none. Floats wider than float32 are held in float32, as the other side holds them.
    """

    NO_OPTIMIZERS: ClassVar[str] = (
        "NumPy has no optimizers: give one of the other side's framework, or leave optimizer= out"
    )

    call: Callable[..., Any]
    values: Nested = None
    held: Nested = None
    framework: str = "numpy"

    @classmethod
    def from_function(
        cls, call: Callable[..., Any], params: Nested = None, state: Nested = None
    ) -> NumpySubject:
        """Return the side for a function of NumPy arrays, which are copied. Raises `ModelError`."""
        if not callable(call):
            raise ModelError(f"a {type(call).__name__} cannot be called: give a function of NumPy arrays")
        if params is None and state is not None:
            raise ModelError(
                "a state needs params: call(params, state, *inputs); give params={} where none are"
            )
        return cls(call, replaced(params, _held), replaced(state, _held))

    def describe(self) -> str:
        """Return what it is in a few words."""
        return f"NumPy function {self.name}, without gradients"

    @property
    def name(self) -> str:
        """The function's own name."""
        return getattr(self.call, "__name__", type(self.call).__name__)

    def parameters(self) -> Mapping[str, np.ndarray]:
        """Return the params by path, joined by "."."""
        return leaves(self.values)

    def frozen(self) -> frozenset[str]:
        """Return none: there are no gradients at all."""
        return frozenset()

    def state(self) -> Mapping[str, np.ndarray]:
        """Return the state by path."""
        return leaves(self.held)

    def layers(self) -> Sequence[Layer]:
        """Return none: a function's parts have no names."""
        return ()

    def with_values(
        self, parameters: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray]
    ) -> NumpySubject:
        """Return this function with other values of some of its params and state. Raises `ModelError`."""
        return replace(
            self,
            values=_changed(self.values, parameters, "parameter"),
            held=_changed(self.held, state, "state"),
        )

    def cast(self, dtype: str) -> NumpySubject:
        """Return this function with floating params and state in float16. Raises `ModelError` for others."""
        if dtype != "float16":
            raise ModelError(f"NumPy has no {dtype}: leave it out of dtypes=, or write the function in JAX")
        values, held = (replaced(tree, lambda _, x: _in(x, dtype)) for tree in (self.values, self.held))
        return replace(self, values=values, held=held)

    def run(self, question: Question) -> Tensors:
        """Return outputs, loss and new state, as NumPy computes them. Raises `ModelError`."""
        given: list[tuple[np.ndarray, np.ndarray]] = []

        def lift(array: np.ndarray) -> np.ndarray:
            given.append((array, array.copy()))
            return given[-1][1]

        try:
            with np.errstate(all="ignore"):
                tensors = self._tensors(question, lift)
            plain = {key: np.asarray(value) for key, value in tensors.items()}
        except Exception as error:  # whatever the user's function raises
            if isinstance(error, ModelError):
                raise
            raise ModelError(
                f"NumPy function {self.name} raises {type(error).__name__}: {first_line(error)}"
            ) from error
        self._check_unchanged(given)
        return {key: _numeric(key, value, self.name) for key, value in plain.items()}

    def run_twice(self, question: Question) -> Twice:
        """Return two runs, and what of its globals and closure the function changes. Raises `ModelError`."""
        return called_twice(lambda: self.run(question), lambda: values_named(self.call))

    def program(self, question: Question, contract: Contract | None = None) -> Program[TensorKey]:
        """Return the same run on the array type that follows its rounding. Raises `Refused`."""
        arrays = {**self.parameters(), **self.state(), **{str(i): x for i, x in enumerate(question.inputs)}}
        narrow = next((n for n, x in arrays.items() if x.dtype.kind == "f" and x.dtype.itemsize < 4), None)
        if narrow is not None:
            raise Refused(f"{narrow} is {arrays[narrow].dtype}: NumPy code is followed in float32 only")
        return NumpyProgram(lambda lift: self._tensors(question, lift), contract or Contract.FLOAT32)

    def _tensors(self, question: Question, lift: Callable[[np.ndarray], Any]) -> dict[TensorKey, Any]:
        """The tensors of one call on arrays as ``lift`` makes them, by key."""
        if question.forced:
            raise ModelError(f"NumPy function {self.name} has no layers that values could be forced on")
        inputs = [lift(_in(array, question.dtype)) for array in question.inputs]
        by_position = len(inputs) - len(question.keywords)
        first = [
            replaced(tree, lambda _, x: lift(x)) for tree in (self.values, self.held) if tree is not None
        ]
        named = dict(zip(question.keywords, inputs[by_position:], strict=True))
        returned = self.call(*first, *inputs[:by_position], **named)
        outputs, state = outputs_and_state(returned, self.held, f"NumPy function {self.name}")
        tensors: dict[TensorKey, Any] = {TensorKey(Role.OUTPUT, n): x for n, x in leaves(outputs).items()}
        if question.loss is not None:
            targets = None if question.targets is None else lift(_in(question.targets, question.dtype))
            tensors[TensorKey(Role.LOSS, "")] = loss_of(question.loss, outputs, targets)
        return {**tensors, **{TensorKey(Role.STATE, n): x for n, x in leaves(state).items()}}

    def _check_unchanged(self, given: list[tuple[np.ndarray, np.ndarray]]) -> None:
        for before, after in given:
            if not np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
                raise ModelError(
                    f"NumPy function {self.name} changes an array of shape {before.shape} that it is given: "
                    "let it compute into a copy"
                )


def from_function(call: Callable[..., Any], params: Nested = None, state: Nested = None) -> NumpySubject:
    """Return the side for a function of NumPy arrays; see `NumpySubject.from_function`."""
    return NumpySubject.from_function(call, params, state)


def _held(path: str, leaf: Any) -> np.ndarray:
    try:
        array = np.array(leaf)
    except Exception as error:
        raise ModelError(
            f"{path or 'the value'} is a {type(leaf).__name__}, not an array: {first_line(error)}"
        ) from error
    if array.dtype.kind not in "biuf":
        raise ModelError(f"{path or 'the value'} is {array.dtype}: give an array of numbers")
    return array.astype(np.float32) if array.dtype.kind == "f" and array.dtype.itemsize > 4 else array


def _in(array: np.ndarray, dtype: str | None) -> np.ndarray:
    return array.astype(dtype) if dtype is not None and array.dtype.kind == "f" else array


def _numeric(key: object, value: np.ndarray, name: str) -> np.ndarray:
    if value.dtype.kind not in "biuf":
        raise ModelError(f"{key} of NumPy function {name} is {value.dtype}, not an array of numbers")
    return value


def _changed(tree: Nested, values: Mapping[str, np.ndarray], what: str) -> Nested:
    """The same nested arrays with some of them replaced, each in its own dtype."""
    own = leaves(tree)
    for name, value in values.items():
        if name not in own:
            raise ModelError(f"there is no {what} {name}; there are {', '.join(own) or 'none'}")
        if np.shape(value) != own[name].shape:
            raise ModelError(f"{what} {name} has the shape {own[name].shape}, not {np.shape(value)}")
    return replaced(tree, lambda path, x: np.array(values[path], x.dtype) if path in values else x)


def loss_of(loss: Loss, outputs: Nested, targets: Any) -> Any:
    """Return a loss of NumPy arrays, or of those that follow rounding: a scalar. Raises `ModelError`."""
    if callable(loss):
        value = loss(outputs, targets)
        if getattr(value, "shape", ()):
            raise ModelError(f"the loss is {described(value)}, not one floating number")
        return value
    floating = next((x for x in leaves(outputs).values() if x.dtype.kind == "f"), None)
    if floating is None:
        raise ModelError(f"the loss {loss!r} needs a floating output")
    if loss not in LOSSES:
        raise ModelError(f"there is no loss {loss!r}; there are {', '.join(LOSSES)}")
    if targets is None:
        raise ModelError(f"the loss {loss!r} needs targets")
    if loss == "cross_entropy" and isinstance(targets, np.ndarray):
        check_classes(targets, floating.shape[-1])
    check_shape(floating.shape[:-1] if loss == "cross_entropy" else floating.shape, targets.shape)
    return LOSSES[loss](floating, targets)


def _cross_entropy(logits: Any, classes: Any) -> Any:
    flat, classes = logits.reshape(-1, logits.shape[-1]), classes.reshape(-1)
    shifted = flat - flat.max(axis=-1, keepdims=True)
    chosen = shifted[np.arange(len(flat)), classes]
    return (np.log(np.exp(shifted).sum(axis=-1)) - chosen).mean()


def _binary_cross_entropy(logits: Any, targets: Any) -> Any:
    return (np.maximum(logits, 0.0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))).mean()


#: The losses of `samestep.models.losses`, on NumPy arrays and on those that follow their rounding.
LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "cross_entropy": _cross_entropy,
    "mse": lambda outputs, targets: np.square(outputs - targets).mean(),
    "l1": lambda outputs, targets: np.abs(outputs - targets).mean(),
    "binary_cross_entropy": _binary_cross_entropy,
}
