"""`JaxProgram`: a JAX function, traced once at its own dtypes, that runs exactly and with noise."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import jax
import numpy as np

from samestep.agreement.arithmetic.jaxpr.binding import is_key, lifted, wide
from samestep.agreement.arithmetic.jaxpr.block import Visit, again, first
from samestep.agreement.arithmetic.jaxpr.build import block_of
from samestep.agreement.arithmetic.jaxpr.draws import Draws
from samestep.agreement.arithmetic.jaxpr.enclosing import enclosed_block, enclosed_input
from samestep.agreement.arithmetic.jaxpr.signature import signature
from samestep.agreement.arithmetic.jaxpr.state import Run
from samestep.agreement.arithmetic.jaxpr.tape import Tape
from samestep.agreement.arithmetic.program import Contract, Finding, Level, Literal, Nudge, Record
from samestep.agreement.arithmetic.worst_case import Enclosed

Array = np.ndarray
Key = TypeVar("Key", bound=Hashable)


class JaxProgram(Generic[Key]):
    """``function(*args)``, a mapping of named arrays, as a `Program`.

    ``args`` are arrays, PRNG keys or trees of them, and are held exactly. It is traced once, at the dtypes
    that it really has. ``shared`` are digests of captured arrays that the other side holds bit for bit.
    ``unrounded``, trees like ``args``, holds in float64 what its runs take, where ``args`` only have it as
    their dtypes hold it. Without a ``contract`` the first run notes no sizes of errors, and the first replica
    costs another one. Raises what the function raises under `jax.make_jaxpr`.
    """

    def __init__(
        self,
        function: Callable[..., Mapping[Key, Any]],
        args: Sequence[Any],
        contract: Contract | None = Contract.FLOAT32,
        shared: frozenset[str] = frozenset(),
        unrounded: Sequence[Any] | None = None,
    ) -> None:
        named: list[Key] = []

        def results(*args: Any) -> list[Any]:
            out = function(*args)
            named[:] = out
            return list(out.values())

        with wide(False):
            traced = jax.make_jaxpr(results)(*args)
        self._traced, self._block = traced, block_of(traced)
        self._keys = named
        leaves = jax.tree_util.tree_leaves(tuple(args if unrounded is None else unrounded))
        dtypes = [aval.dtype if unrounded is None else None for aval in traced.in_avals]
        self._inputs = [lifted(x, dtype) for x, dtype in zip(leaves, dtypes, strict=True)]
        self._contract, self._shared = contract or Contract.FLOAT32, shared
        self._measures = contract is not None
        self._record = Record()
        self._visit: Visit | None = None
        self._tapes: dict[Level, Tape] = {}

    def exact(self, nudge: Nudge | None = None) -> dict[Key, Array]:
        """Return all tensors in float64, without float32's rounding. Raises `Refused`."""
        if self._visit is None and nudge is None:
            return self._first()
        return self._again(nudge=nudge)

    def replica(self, seed: int, level: Level = Level.OWN) -> dict[Key, Array]:
        """Return all tensors in float64, each primitive with its random error. Raises `Refused`."""
        if not self._measures:
            self._measures, self._visit = True, None
        return self._again(draws=Draws(seed), level=level)

    def enclosed(self, rounded: frozenset[str]) -> dict[Key, Enclosed]:
        """Return all tensors with their bounds; see `samestep.agreement.arithmetic.worst_case.Enclosing`."""
        inputs = [enclosed_input(x, rounded) for x in self._inputs]
        with wide(True), np.errstate(all="ignore"):
            outs = enclosed_block(self._block, inputs, self._contract)
        return dict(zip(self._keys, outs, strict=True))

    def _first(self) -> dict[Key, Array]:
        run = Run(self._record, contract=self._contract, shared=self._shared, measures=self._measures)
        with wide(True), np.errstate(all="ignore"):
            outs, taints, visit = first(self._block, self._inputs, [None] * len(self._inputs), run)
        self._record.terms.update({key: taint or 1 for key, taint in zip(self._keys, taints, strict=True)})
        self._visit = visit
        return self._named(outs)

    def _again(self, **how: Any) -> dict[Key, Array]:
        if self._visit is None:
            self._first()
        assert self._visit is not None
        run = Run(self._record, contract=self._contract, shared=self._shared, **how)
        with wide(True), np.errstate(all="ignore"):
            if run.draws is None:
                return self._named(again(self._visit, self._inputs, run))
            level = Level.OWN if self.uniform and run.level is Level.DOUBLE else run.level
            if level not in self._tapes:
                self._tapes[level] = Tape(self._visit, level, self._contract)
            return self._named(self._tapes[level].run(self._inputs, run))

    def _named(self, outs: Sequence[Any]) -> dict[Key, Array]:
        arrays = [np.array(jax.random.key_data(out) if is_key(out) else out) for out in outs]
        return dict(zip(self._keys, arrays, strict=True))

    @property
    def literals(self) -> Sequence[Literal]:
        """The distinct literals that are not held exactly, after the first exact run."""
        return self._record.literals

    @property
    def constants(self) -> Mapping[str, Array]:
        """Captured constant arrays by the digest of their bytes, after the first exact run."""
        return self._record.constants

    @property
    def findings(self) -> Sequence[Finding]:
        """What was seen in the runs so far."""
        return self._record.findings

    @property
    def terms(self) -> Mapping[Key, int]:
        """The length of the longest sum on the way to each tensor, after the first exact run."""
        return self._record.terms  # type: ignore[return-value]

    @property
    def uniform(self) -> bool:
        """Whether all rounding is float32's, after the first exact run."""
        return self._record.uniform

    @property
    def signature(self) -> str:
        """The digest of the equations with their dtypes, of the contract and of all arrays."""
        return signature(self._traced, self._inputs, f"{self._contract.value} {sorted(self._shared)}")
