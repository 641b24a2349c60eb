"""One forward and backward pass of a model, the same code for its own arithmetic and for the engine's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import count

import numpy as np
import torch

from samestep.models.nested import Nested
from samestep.models.question import Question
from samestep.models.subject import ModelError
from samestep.models.tensors import Role, TensorKey
from samestep.models.torch.complete_gradients import CompleteGradients
from samestep.models.torch.instance import Instance
from samestep.models.torch.layer_inputs import LayerInputs
from samestep.models.torch.losses import loss_of
from samestep.models.torch.observer import Observer
from samestep.models.torch.outputs import tensors_in
from samestep.models.torch.randomness import seeded
from samestep.models.torch.values import check_dense, held_exactly, to_tensor
from samestep.models.torch.values_on_the_way import OnTheWay, Visit

TorchTensors = dict[TensorKey, torch.Tensor]


@dataclass(frozen=True)
class Learned:
    """What one run of a question shows, for the next: its cotangents, and the layers changed in place.

    ``at_once`` are the leaves whose gradients are complete as soon as there is any.
    """

    cotangents: tuple[torch.Tensor, ...] = ()
    shared: frozenset[str] = frozenset()
    at_once: frozenset[TensorKey] = frozenset()


class TrainingStep:
    """A question put to one instance of a model, which is used up by it.

    What is made here before `run` (inputs, targets, forced values) is given, not computed. ``shown`` names
    values on the way, by their numbers, which are looked at as layers are.
    """

    def __init__(
        self,
        instance: Instance,
        question: Question,
        device: torch.device,
        learned: Learned | None = None,
        shown: Mapping[int, str] | None = None,
    ) -> None:
        if torch.is_inference_mode_enabled():
            raise ModelError("there are no gradients in torch.inference_mode(): call samestep outside of it")
        if torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type):
            raise ModelError("torch.autocast is on: call samestep outside of it (a model may have its own)")
        self.instance, self.question, self.device = instance, question, device
        learned = learned or Learned()
        self.cotangents = [cotangent.clone() for cotangent in learned.cotangents]
        self.gradients = CompleteGradients(learned.at_once)
        self.observer = Observer(instance.modules, question, device, learned.shared)
        self.layer_inputs = LayerInputs(
            {name: m for name, m in instance.modules.items() if name in question.inputs_of},
            {
                key.name: to_tensor(value, str(key), device)
                for key, value in question.forced.items()
                if key.role is Role.LAYER_INPUT
            },
        )
        check_dense(instance.parameters, "parameter")
        check_dense(instance.state(), "buffer")
        asked = None if question.dtype is None else getattr(torch, question.dtype)
        dtype = asked or _common_dtype(instance)
        self.inputs = {
            name: _input(array, name, dtype, device, question.backward)
            for name, array in zip(input_names(question), question.inputs, strict=True)
            if not _is_flag(array)
        }
        self.given: dict[str, torch.Tensor] = {}
        #: What is done to the values on the way.
        self.visit: Visit | None = None if shown is None else partial(self._show, shown)
        targets = question.targets
        self.targets = None if targets is None else to_tensor(targets, "targets", device)
        if self.targets is not None and asked is not None and self.targets.is_floating_point():
            self.targets = self.targets.to(asked)

    def run(self) -> TorchTensors:
        """Return all tensors of the run, in the order of `samestep.models.tensors`.

        Raises `ModelError` for inputs that the model changes and outputs that cannot be compared, and
        whatever the model itself raises.
        """
        with self._asked(), self.observer.watching(), self.layer_inputs.watching():
            outputs = self._forward()
            found = tensors_in(outputs)
            _check_outputs(found, self.question.backward)
            floating = _floating(found)
            loss = None
            if self.question.loss is not None:
                loss = loss_of(self.question.loss, outputs, floating, self.targets)
            self.observer.begin_backward()
            if self.question.backward:
                self._backward(floating, loss)
        return self._collected(found, loss)

    @property
    def learned(self) -> Learned:
        """What the run has shown that a run has to know before."""
        return Learned(tuple(self.cotangents), self.observer.shared, self.gradients.at_once)

    def drop_gradients(self) -> None:
        """Let go of the gradients of the parameters, which are as large as the model."""
        for leaf in self.instance.parameters.values():
            leaf.grad = None

    def held(self) -> Iterable[torch.Tensor]:
        """Return the tensors that the other side has as well, bit for bit."""
        yield from (
            *self.inputs.values(),
            *self.instance.parameters.values(),
            *self.instance.state().values(),
        )
        yield from (*self.cotangents, *self.observer.given, *self.layer_inputs.forced.values())
        if self.targets is not None:
            yield self.targets

    @contextmanager
    def _asked(self) -> Iterator[None]:
        with seeded(self.question.seed, self.device), torch.set_grad_enabled(self.question.backward):
            yield

    def _forward(self) -> Nested:
        names = self.question.keywords
        # A leaf cannot be changed in place, its copy can: then the change is found, and said. The compiler
        # asks every input for its gradient, which a copy warns about.
        copied = not self.instance.compiled
        given = {name: tensor.clone() if copied else tensor for name, tensor in self.inputs.items()}
        versions = {name: tensor._version for name, tensor in given.items()}
        every = dict(zip(input_names(self.question), self.question.inputs, strict=True))
        values = {name: given[name] if name in given else bool(flag) for name, flag in every.items()}
        by_position = [value for name, value in values.items() if name not in names]
        with nullcontext() if self.visit is None else OnTheWay(self.visit):
            outputs = self.instance.call(*by_position, **{name: values[name] for name in names})
        for name, tensor in given.items():
            if tensor._version != versions[name]:
                raise ModelError(changes_input(name))
        self.given = given
        return outputs

    def _show(self, shown: Mapping[int, str], number: int, value: torch.Tensor) -> torch.Tensor:
        return self.observer.show(shown[number], value) if number in shown else value

    def _backward(self, floating: list[torch.Tensor], loss: torch.Tensor | None) -> None:
        """Accumulate the gradients of the loss, or those of sum(cotangent * output) over all outputs."""
        if loss is not None:
            roots, cotangents = [loss], [torch.ones_like(loss)]
        else:
            self.cotangents = self.cotangents or list(map(self._cotangent, count(), floating))
            roots, cotangents = floating, self.cotangents
        pairs = [pair for pair in zip(roots, cotangents, strict=True) if pair[0].requires_grad]
        if pairs:
            leaves = {key: leaf for key, leaf in self._leaves().items() if leaf.requires_grad}
            only = [*leaves.values()] if self.instance.leaves_only else None
            with self.gradients.watching(leaves):
                torch.autograd.backward([root for root, _ in pairs], [c for _, c in pairs], inputs=only)

    def _cotangent(self, index: int, output: torch.Tensor) -> torch.Tensor:
        given = self.question.cotangent(index, tuple(output.shape))
        return to_tensor(given, "cotangent", output.device).to(output.dtype)

    def _leaves(self) -> TorchTensors:
        return {
            **{TensorKey(Role.INPUT_GRADIENT, name): tensor for name, tensor in self.inputs.items()},
            **{TensorKey(Role.GRADIENT, name): leaf for name, leaf in self.instance.parameters.items()},
        }

    def _collected(self, outputs: dict[str, torch.Tensor], loss: torch.Tensor | None) -> TorchTensors:
        losses = {} if loss is None else {"": loss.reshape(())}
        observed = (
            (Role.LAYER_INPUT, self.layer_inputs.found),
            (Role.LAYER, self.observer.outputs),
            (Role.OUTPUT, outputs),
            (Role.LOSS, losses),
            (Role.STATE, self.instance.state()),
            (Role.LAYER_GRADIENT, self.observer.gradients),
        )
        tensors = {TensorKey(role, name): x.detach() for role, named in observed for name, x in named.items()}
        leaves = {key: self.gradients.taken.get(key, leaf.grad) for key, leaf in self._leaves().items()}
        return {**tensors, **{key: gradient for key, gradient in leaves.items() if gradient is not None}}


def input_names(question: Question) -> list[str]:
    """Return the names of the inputs: their keywords, or their positions."""
    by_position = len(question.inputs) - len(question.keywords)
    return [*map(str, range(by_position)), *question.keywords]


def _is_flag(array: np.ndarray) -> bool:
    """Whether an input is a bool without axes, which a model takes as a Python bool (use_cache=False)."""
    return np.ndim(array) == 0 and np.asarray(array).dtype == bool


def changes_input(name: str) -> str:
    """Return what is wrong with a model that changes an input in place."""
    return f"the model changes input {name} in place: let it compute into a copy"


def _common_dtype(instance: Instance) -> torch.dtype | None:
    """The dtype of the parameters, where they have one in common."""
    dtypes = {leaf.dtype for leaf in instance.parameters.values() if leaf.is_floating_point()}
    return dtypes.pop() if len(dtypes) == 1 else None


def _input(
    array: np.ndarray, name: str, dtype: torch.dtype | None, device: torch.device, backward: bool
) -> torch.Tensor:
    """An input as the model takes it: a float in the dtype of the parameters if that holds it exactly."""
    tensor = to_tensor(array, f"input {name}", device)
    if not tensor.is_floating_point():
        return tensor
    if dtype is not None and held_exactly(tensor, dtype):
        tensor = tensor.to(dtype)
    return tensor.requires_grad_(backward)


def _floating(outputs: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    return [tensor for tensor in outputs.values() if tensor.is_floating_point()]


def _check_outputs(outputs: dict[str, torch.Tensor], backward: bool) -> None:
    check_dense(outputs, "output")
    for name, tensor in outputs.items():
        if tensor.is_complex():
            raise ModelError(f"output {name}".strip() + " is complex: return torch.view_as_real of it")
    if not _floating(outputs):
        if not outputs:
            raise ModelError("the model returns no tensor, so there is nothing to compare")
        if backward:
            raise ModelError("the model returns no floating tensor, so there is no gradient to compare")
