"""A PyTorch model as one side of a comparison."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial

import numpy as np
import torch

from samestep.agreement.arithmetic.program import Contract, Program
from samestep.agreement.arithmetic.torch.places import place
from samestep.models.on_the_way import ValueOnTheWay
from samestep.models.question import Question, Steps
from samestep.models.subject import Layer, ModelError
from samestep.models.tensors import TensorKey, Tensors
from samestep.models.torch.instance import Instance, Network, Values, device_of
from samestep.models.torch.layers import layer_of
from samestep.models.torch.optimizer_steps import OptimizerSteps, settings_of, updates
from samestep.models.torch.programs import UpdatesProgram, program_of
from samestep.models.torch.training_step import Learned, TrainingStep, changes_input
from samestep.models.torch.user_code import model_errors
from samestep.models.torch.values import as_array, check_plain, to_array, to_tensor
from samestep.models.twice import Twice, changed, held


@dataclass(frozen=True)
class TorchSubject:
    """A ``network`` with other ``values`` in place of some of its own, by name.

    ``shown`` are layers of a network without modules: values on the way, by their numbers.
    """

    network: Network
    values: Values = field(default_factory=dict)
    framework: str = "torch"
    shown: Mapping[int, Layer] = field(default_factory=dict)
    _called: list[str] = field(default_factory=list, repr=False, compare=False)

    def describe(self) -> str:
        """Return what it is in a few words."""
        return self.network.describe()

    def parameters(self) -> Mapping[str, np.ndarray]:
        """Return the parameters by name, frozen ones included; bfloat16 as float32. Raises `ModelError`.

        Where it can be they are the model's own memory, which cannot be written to.
        """
        return self._arrays(self.network.parameters(), "parameter")

    def frozen(self) -> frozenset[str]:
        """Return the parameters that do not require a gradient."""
        return self.network.frozen()

    def state(self) -> Mapping[str, np.ndarray]:
        """Return buffers, or a function's state, by name. Raises `ModelError`."""
        return self._arrays(self.network.state(), "buffer")

    def layers(self) -> Sequence[Layer]:
        """Return the layers in the order of their calls; before the first run, as they are registered."""
        if self.shown:
            return [*self.shown.values()]
        modules = self.network.modules()
        return [layer_of(name, modules[name]) for name in self._called or modules]

    def with_values(
        self, parameters: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray]
    ) -> TorchSubject:
        """Return this model with other values of some of its parameters and state. Raises `ModelError`."""
        tied = self.network.tied()
        given = {
            **_held(parameters, self.network.parameters(), tied, "parameter"),
            **_held(state, self.network.state(), tied, "buffer"),
        }
        return replace(self, values={**self.values, **given}, _called=[])

    def cast(self, dtype: str) -> TorchSubject:
        """Return this model in a dtype, by its name. Raises `ModelError`."""
        network = self.network.cast(getattr(torch, dtype))
        own = {**network.parameters(), **network.state()}
        return TorchSubject(network, _held(self.values, own, {}, "value"), self.framework, self.shown)

    def run(self, question: Question) -> Tensors:
        """Return the tensors of one run as the model really runs. Raises `ModelError`.

        A compiled model shows no layers, except where its run without compilation has the same bits.
        """
        if not self.network.compiled:
            return self._eager(question)[1]
        if question.forced:
            raise ModelError(
                "a compiled model's layers cannot be forced: give the model before torch.compile"
            )
        with self.network.native(self.values) as instance:
            compiled = self._run(self._step(instance, question))
        eager = self._eager(question)[1]
        return eager if all(_same_bits(compiled[key], eager.get(key)) for key in compiled) else compiled

    def run_twice(self, question: Question) -> Twice:
        """Return two runs; the second one's copy has the attributes that the first one changed.

        Raises `ModelError` for what the first one raises.
        """
        if self.network.compiled:
            return Twice(self.run(question), self.run(question))
        instance = self.network.copy(self.values)
        before = held(instance.attributes())
        step = self._step(instance, question)
        first = self._run(step)
        changes = changed(before, held(instance.attributes()))
        if step.observer.shared:
            first = self._run(self._step(self.network.copy(self.values), question, step.learned))
        again = self.network.copy(self.values)
        again.remember(instance, changes)
        try:
            return Twice(first, self._run(self._step(again, question, step.learned)), changes, copied=True)
        except ModelError as error:
            return self._called_again(instance, Twice(first, {}, changes, str(error), copied=True), question)

    def _called_again(self, instance: Instance, failed: Twice, question: Question) -> Twice:
        """Call the very copy again that was called: one with its attributes may fail where it does not.

        A model that puts another module in a module's place says more than its attributes do. Then the second
        call is that of a copy that remembers nothing.
        """
        try:
            self._run(self._step(instance, question))
        except ModelError as error:
            return replace(failed, error=str(error))
        fresh = self._run(self._step(self.network.copy(self.values), question))
        return replace(failed, second=fresh, error=None)

    def program(self, question: Question, contract: Contract | None = None) -> Program[TensorKey]:
        """Return the same run for the engine, of a copy that is not compiled. Raises `Refused`.

        The model is run once before as it is, which raises `ModelError` for what it raises.
        """
        learned, _ = self._eager(question)

        def made() -> TrainingStep:
            return self._step(self.network.copy(self.values), question, learned)

        return program_of(made, contract, question.seed)

    def values_on_the_way(self, question: Question) -> list[ValueOnTheWay]:
        """Return every floating value of one run in the order of the calls. Raises `ModelError`.

        None of a compiled model, whose code is not run as it is written.
        """
        found: list[ValueOnTheWay] = []

        def see(number: int, value: torch.Tensor) -> torch.Tensor:
            at = place().rpartition(os.sep)[2]
            found.append(ValueOnTheWay(number, at, to_array(value, f"the value of {at}")))
            return value

        if not self.network.compiled:
            step = self._step(self.network.copy(self.values), replace(question, backward=False))
            step.visit = see
            self._run(step)
        return found

    def with_layers(self, layers: Mapping[int, Layer]) -> TorchSubject:
        """Return this model with the values of these numbers as the outputs of ``layers``."""
        return replace(self, shown=layers, _called=[])

    def run_steps(self, optimizer: object, steps: Steps) -> Tensors:
        """Return the updates of a torch.optim optimizer. Raises `ModelError`."""
        made = OptimizerSteps(self.network.parameters(), optimizer, steps)
        with model_errors("the optimizer"):
            after = made.run()
        return updates({key: to_array(tensor, str(key)) for key, tensor in after.items()}, made.given)

    def steps_program(self, optimizer: object, steps: Steps) -> Program[TensorKey]:
        """Return the same steps for the engine. Raises `Refused`."""
        made = partial(OptimizerSteps, self.network.parameters(), optimizer, steps, rounds=True)
        return UpdatesProgram(program_of(made), made().given)

    def optimizer_settings(self, optimizer: object) -> Layer | None:
        """Return the class of a torch.optim optimizer and the settings of its first group."""
        return settings_of(optimizer)

    def _eager(self, question: Question) -> tuple[Learned, Tensors]:
        """The tensors of a run of a copy, and what was learned from it."""
        step = self._step(self.network.copy(self.values), question)
        tensors = self._run(step)
        if not step.observer.shared:
            return step.learned, tensors
        again = self._step(self.network.copy(self.values), question, step.learned)
        return step.learned, self._run(again)

    def _step(self, instance: Instance, question: Question, learned: Learned | None = None) -> TrainingStep:
        shown = {number: layer.name for number, layer in self.shown.items()}
        return TrainingStep(instance, question, device_of(self.network), learned, shown or None)

    def _run(self, step: TrainingStep) -> Tensors:
        with model_errors("the model"):
            tensors = step.run()
        for name, tensor in step.given.items():  # what no version counts, such as x.data.mul_(2)
            if not _same_bits(to_array(tensor, name), to_array(step.inputs[name], name)):
                raise ModelError(changes_input(name))
        self._called[:] = step.observer.called or self._called
        arrays = {key: to_array(tensor, str(key)) for key, tensor in tensors.items()}
        step.drop_gradients()
        return arrays

    def _arrays(self, tensors: Mapping[str, torch.Tensor], kind: str) -> Mapping[str, np.ndarray]:
        return {
            name: as_array(tensor, f"{kind} {name}") if name not in self.values else self.values[name]
            for name, tensor in tensors.items()
        }


def _held(
    values: Values, own: Mapping[str, torch.Tensor], tied: Mapping[str, str], kind: str
) -> dict[str, np.ndarray]:
    """The values as this model's tensors hold them. Raises `ModelError` for other names and shapes."""
    held: dict[str, np.ndarray] = {}
    for name, value in values.items():
        first = tied.get(name, name)
        if first not in own:
            nearest = get_close_matches(name, own, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(own) or 'none'}"
            raise ModelError(f"the model has no {kind} {name}; {hint}")
        check_plain(own[first], f"{kind} {name}")
        if np.shape(value) != tuple(own[first].shape):
            shapes = f"the shape {tuple(own[first].shape)}; the value given for it has {np.shape(value)}"
            raise ModelError(f"{kind} {name} has {shapes}")
        array = to_array(to_tensor(value, f"{kind} {name}").to(own[first].dtype), name)
        if not _same_bits(array, held.setdefault(first, array)):
            raise ModelError(f"{kind} {name} is tied to {first}, which has another value")
    return held


def _same_bits(one: np.ndarray, other: np.ndarray | None) -> bool:
    return other is not None and one.dtype == other.dtype and one.tobytes() == other.tobytes()
