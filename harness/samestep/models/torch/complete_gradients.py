"""Gradients of large leaves go to the engine when they are complete: together they are a model's size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import torch

from samestep.agreement.arithmetic.torch.results import taking
from samestep.models.subject import ModelError
from samestep.models.tensors import TensorKey

#: Leaves of fewer elements keep their gradients.
LARGE = 2**18


class CompleteGradients:
    """Counts how often the gradients of large leaves are added to in one backward pass.

    Where an engine runs the code, those that are ``known`` to come in one piece are ``taken`` by it.
    """

    def __init__(self, known: frozenset[TensorKey]) -> None:
        self._known = known
        self._times: Counter[TensorKey] = Counter()
        self._take: Callable[[torch.Tensor], torch.Tensor] | None = None
        self.taken: dict[TensorKey, torch.Tensor] = {}

    @property
    def at_once(self) -> frozenset[TensorKey]:
        """The leaves whose gradients came in one piece: a reentrant checkpoint adds a piece of its own."""
        return frozenset(key for key, times in self._times.items() if times == 1)

    @contextmanager
    def watching(self, leaves: Mapping[TensorKey, torch.Tensor]) -> Iterator[None]:
        """Watch a backward pass, at whose beginning no leaf that is taken has a gradient."""
        self._take = taking.get()
        handles = [
            leaf.register_post_accumulate_grad_hook(partial(self._added, key))
            for key, leaf in leaves.items()
            if leaf.numel() >= LARGE and leaf.is_leaf and leaf.grad is None
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _added(self, key: TensorKey, leaf: torch.Tensor) -> None:
        self._times[key] += 1
        if key in self.taken:
            raise ModelError(f"{key} comes in one piece in one run and in several in another")
        if self._take is not None and key in self._known and leaf.grad is not None:
            self.taken[key] = self._take(leaf.grad)
            leaf.grad = None
