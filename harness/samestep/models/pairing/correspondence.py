"""From every tensor of the reference to what it says for the candidate's, under the candidate's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from samestep.models.pairing.layers import LayerMap
from samestep.models.pairing.linear_map import Counterpart, LinearMap, Values, identity
from samestep.models.tensors import GRADIENTS, Role, TensorKey, Tensors

#: Roles in the order of a training step.
ORDER = tuple(Role)

EMPTY = LinearMap({}, {})


@dataclass(frozen=True)
class Correspondence:
    """The links between two sides: ``parameters``, ``state``, ``layers``, ``outputs`` and ``inputs``.

    All are linear, so that exact values, replicas, gradients and updates go through alike. Arrays keep their
    dtype. The losses of both sides correspond, and so do inputs of the same name unless ``inputs`` says more.
    """

    parameters: LinearMap = EMPTY
    state: LinearMap = EMPTY
    layers: LayerMap = LayerMap({}, {})  # noqa: RUF009  # frozen
    outputs: LinearMap = EMPTY
    inputs: LinearMap = EMPTY

    def apply(self, reference: Tensors) -> dict[TensorKey, np.ndarray]:
        """Return what the reference says for each of the candidate's tensors, in the candidate's shapes.

        They are in the order in which a training step computes them.
        """

        def made(role: Role, links: LinearMap, values: Values) -> Values:
            names = links.plain if role is Role.UPDATE else links.links.keys()
            found = links.apply(values)
            order = reversed(found) if role is Role.LAYER_GRADIENT else found  # the last layer's comes first
            return {name: found[name] for name in order if name in names}

        return self._by_group(reference, made)

    def apply_bounds(self, bounds: Tensors) -> dict[TensorKey, np.ndarray]:
        """Return how far what `apply` gives can be off where the reference's tensors are by ``bounds``."""
        return self._by_group(bounds, lambda role, links, values: links.apply_bounds(values))

    def comparable(self, candidate: Tensors) -> dict[TensorKey, np.ndarray]:
        """Return the candidate's tensors in the form in which `apply` gives the reference's, the same keys.

        They are the candidate's own, but for gradients of parameters that hold the same numbers twice: there
        the sum over the copies stands at each of them.
        """

        def made(role: Role, links: LinearMap, values: Values) -> Values:
            if role in GRADIENTS:  # they go the other way through a map, see `linear_map`
                return links.comparable(values)
            names = links.plain if role is Role.UPDATE else links.links.keys()
            return {name: value for name, value in values.items() if name in names}

        return self._by_group(candidate, made)

    def to_reference(self, candidate: Tensors) -> dict[TensorKey, np.ndarray]:
        """Return the reference's tensors that the candidate's determine, in float64 and its own shapes."""
        return self._by_group(candidate, lambda role, links, values: links.to_reference(values))

    def name_of(self, key: TensorKey) -> tuple[tuple[TensorKey, ...], str]:
        """Return the reference's keys for a key of the candidate's, and how they make it.

        Raises KeyError for one without a counterpart.
        """
        link = self.link_of(key)
        if link is None:
            return (key,), "as it is"
        prefix, _ = _split(key)
        return tuple(TensorKey(key.role, prefix + source) for source in link.sources), link.how

    def link_of(self, key: TensorKey) -> Counterpart | None:
        """Return what the reference has for a key of the candidate's, None for what corresponds as it is.

        Raises KeyError for one without a counterpart.
        """
        if key.role is Role.LOSS or (key.role is Role.INPUT_GRADIENT and not self.inputs.links):
            return None
        return self._by_role(key.role).links[_split(key)[1]]

    @property
    def unmatched_candidate(self) -> dict[TensorKey, str]:
        """The candidate's tensors without a counterpart, each with the reason."""
        return {
            TensorKey(role, name): reason
            for role, links in self._all()
            for name, reason in links.unmapped.items()
        }

    @property
    def differing(self) -> dict[TensorKey, str]:
        """The candidate's parameters and state whose own values are not quite the reference's, and how."""
        return {
            TensorKey(role, name): text
            for role, links in self._all()
            for name, text in links.differing.items()
        }

    @property
    def unmatched_reference(self) -> tuple[TensorKey, ...]:
        """The reference's parameters, state and outputs that nothing of the candidate's corresponds to."""
        return tuple(
            TensorKey(role, name)
            for role, links in self._all()
            for name in links.reference_only
            if role is not Role.LAYER
        )

    @property
    def reference_only(self) -> tuple[TensorKey, ...]:
        """The reference's layers that the candidate does not show; nothing is left unexamined by that."""
        return tuple(TensorKey(Role.LAYER, name) for name in self.layers.reference_only)

    def _by_group(
        self, tensors: Tensors, made: Callable[[Role, LinearMap, Values], Values]
    ) -> dict[TensorKey, np.ndarray]:
        """What is ``made`` of the tensors of each role and step by their links."""
        return {
            TensorKey(role, prefix + name): value
            for role, prefix, values in _groups(tensors)
            for name, value in made(role, self._map(role, values), values).items()
        }

    def _all(self) -> tuple[tuple[Role, LinearMap], ...]:
        return (
            (Role.LAYER, self.layers), (Role.OUTPUT, self.outputs), (Role.STATE, self.state),
            (Role.INPUT_GRADIENT, self.inputs), (Role.GRADIENT, self.parameters),
        )  # fmt: skip

    def _by_role(self, role: Role) -> LinearMap:
        if role is Role.UPDATE:
            return self.parameters
        return self.layers.for_gradients if role is Role.LAYER_GRADIENT else dict(self._all())[role]

    def _map(self, role: Role, values: Mapping[str, np.ndarray]) -> LinearMap:
        if role is Role.LOSS or (role is Role.INPUT_GRADIENT and not self.inputs.links):
            return identity(values)
        return self._by_role(role)


def _split(key: TensorKey) -> tuple[str, str]:
    """Return the step of an update ("2:"), and the name without it."""
    step, colon, name = key.name.partition(":")
    return (step + colon, name) if key.role is Role.UPDATE and colon else ("", key.name)


def _groups(tensors: Tensors) -> Iterator[tuple[Role, str, dict[str, np.ndarray]]]:
    """Yield the tensors of each role and step of updates, by name; inputs of layers have no links."""
    found: dict[tuple[Role, str], dict[str, np.ndarray]] = {}
    for key, value in tensors.items():
        if key.role is Role.LAYER_INPUT:
            continue
        prefix, name = _split(key)
        found.setdefault((key.role, prefix), {})[name] = value
    for (role, prefix), values in sorted(found.items(), key=lambda group: ORDER.index(group[0][0])):
        yield role, prefix, values
