"""Both questions asked of paired tensors, and what no limit can judge taken out, each time with a note."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from samestep.agreement.arithmetic.program import Program
from samestep.models.arithmetic_check import ArithmeticStatistics, check_arithmetic
from samestep.models.asked import Asked
from samestep.models.coarser_limit import beyond_one_limit, holds_narrow, told_by_arithmetic
from samestep.models.correspond import reference_name
from samestep.models.expected import Expected, Progress, ReferencePrograms, measure_expected
from samestep.models.function_check import FunctionCheck, FunctionStatistics
from samestep.models.gates import flipped, without
from samestep.models.guessed_layers import guessed_wrongly, without_layers
from samestep.models.judged import JudgedTensor
from samestep.models.missing_gradients import missing_gradients
from samestep.models.options import Options
from samestep.models.overflow import overflow_suspects, overflowing
from samestep.models.own_values import (
    own_of_candidate,
    own_of_reference,
    rounded_otherwise,
    rounded_programs,
)
from samestep.models.pairing.correspondence import Correspondence
from samestep.models.prepare import Sides
from samestep.models.runs import CandidateRun
from samestep.models.tensors import Role, TensorKey, Tensors
from samestep.models.twice import Twice

Masks = Mapping[TensorKey, np.ndarray]
Function = Mapping[TensorKey, FunctionStatistics]
Arithmetic = Mapping[TensorKey, ArithmeticStatistics]


@dataclass(frozen=True)
class Comparison:
    """What both questions say of one question's tensors, before it is put into words.

    ``hanging`` are the tensors with elements that hang on a gate which rounding flips. ``reference_twice``
    are two runs of the reference, without tensors where both gave the same; None where it was not asked.
    """

    sides: Sides
    asked: Asked
    run: CandidateRun
    programs: ReferencePrograms
    links: Correspondence
    expected: Expected
    judged: tuple[JudgedTensor, ...]
    notes: tuple[str, ...] = ()
    hanging: frozenset[TensorKey] = frozenset()
    reference_twice: Twice | None = None


def judged_tensors(
    links: Correspondence, expected: Expected, function: Function, arithmetic: Arithmetic
) -> tuple[JudgedTensor, ...]:
    """Return the tensors that either question was asked of, in the order in which they are computed."""
    return tuple(
        JudgedTensor(key, reference_name(links, key), value.shape, function.get(key), arithmetic.get(key))
        for key, value in expected.exact.items()
        if key in function or key in arithmetic
    )


@dataclass(frozen=True)
class Judge:
    """Judges tensors that are already paired; ``forced`` where every layer is looked at by itself."""

    sides: Sides
    asked: Asked
    run: CandidateRun
    programs: ReferencePrograms
    links: Correspondence
    options: Options
    forced: bool = False

    def compare(self, progress: Progress) -> Comparison:
        """Return what both questions say. Raises `Refused`."""
        replicas, seed = self.options.replicas, self.options.seed
        wide = self.run.wide(self.sides.candidate)
        expected = measure_expected(
            self.programs, self.links.apply, {}, replicas, seed, progress, wide, self.links
        )
        function, unknown = self._ask_function(expected)
        arithmetic, notes, hanging = self._ask_arithmetic(expected, function)
        doubtful = beyond_one_limit(function, arithmetic)
        if doubtful and not holds_narrow(self.sides.candidate.parameters()):
            exact = self.links.comparable(self.run.exact or {})
            function = {**function, **told_by_arithmetic(doubtful, exact, expected)}
        judged = judged_tensors(self.links, expected, function, arithmetic)
        judged, left_out = self._without_wrong_guesses(judged, expected)
        missing, said = missing_gradients(self.sides, self.links, self._shown, self.programs.own)
        return Comparison(
            self.sides, self.asked, self.run, self.programs, self.links, expected, (*judged, *missing),
            (*notes, *said, *left_out, *unknown), hanging,
        )  # fmt: skip

    @property
    def _shown(self) -> Tensors:
        """The candidate's exact tensors, or the real ones where it has no engine."""
        return self.run.exact or self.run.tensors

    def _ask_function(self, expected: Expected) -> tuple[Function, tuple[str, ...]]:
        """The statistics of the exact runs, and why some could not be had."""
        if self.run.program is None:
            return {}, ()
        check = FunctionCheck(
            self.run.program, self.programs.plain, expected, self.links, self.options.seed,
            self._held, partial(self._rounded, self.options.seed),
        )  # fmt: skip
        function = check.run(self.run.exact or {})
        if check.not_asked is None:
            return function, ()
        left = sum(key in expected.exact for key in self.links.comparable(self.run.exact or {})) - len(
            function
        )
        return function, (
            f"in float64 {left} tensors are beyond what is known to be owed: {check.not_asked}",
        )

    def _ask_arithmetic(
        self, expected: Expected, function: Function
    ) -> tuple[Arithmetic, tuple[str, ...], frozenset[TensorKey]]:
        """The statistics of the real run, without what overflows on both sides or hangs on a gate."""
        got = self._without_tables(self.links.comparable(self.run.tensors), expected)
        arithmetic = check_arithmetic(got, expected, {})
        spilled = self._overflowing(got, expected, arithmetic)
        if spilled:
            got = without(got, expected, spilled)
            arithmetic = check_arithmetic(got, expected, {})
        hanging = self._hanging_on_gates(got, expected, function, arithmetic)
        if hanging:
            arithmetic = check_arithmetic(without(got, expected, hanging), expected, {})
        notes = (
            *_counted(spilled, "overflow on both sides"),
            *_counted(hanging, "hang on a gate that rounding flips"),
        )
        return arithmetic, notes, frozenset(hanging)

    def _without_tables(self, real: Tensors, expected: Expected) -> Tensors:
        """Without state that no run computes, and that both sides hold, each rounded in its own way."""
        kept, held = self.sides.candidate.state(), self.sides.reference.state()
        given = self.links.state.apply(held)
        keys = [TensorKey(Role.STATE, name) for name in rounded_otherwise(kept, held, self.links.state)]
        tables = [key for key in keys if np.array_equal(expected.exact.get(key, ()), given[key.name])]
        return {key: value for key, value in real.items() if key not in tables}

    def _overflowing(self, got: Tensors, expected: Expected, arithmetic: Arithmetic) -> Masks:
        """The elements in which the reference's real run overflows too."""
        suspects = overflow_suspects(arithmetic)
        if not suspects:
            return {}
        real = self.links.apply(self.sides.reference.run(self.asked.reference))
        return overflowing(got, expected, real, suspects)

    def _hanging_on_gates(
        self, got: Tensors, expected: Expected, function: Function, arithmetic: Arithmetic
    ) -> Masks:
        """The elements that are where a flipped gate puts them, of functions that are the same."""
        doubtful = [
            key
            for key, found in arithmetic.items()
            if found.statistics is not None
            and found.statistics.first is not None
            and (key not in function or function[key].same)
        ]
        if not doubtful:
            return {}
        program, seed = self.programs.declared, self.options.seed
        return flipped(program, self.links.apply, expected, got, doubtful, seed)

    def _without_wrong_guesses(
        self, judged: tuple[JudgedTensor, ...], expected: Expected
    ) -> tuple[tuple[JudgedTensor, ...], tuple[str, ...]]:
        """The tensors without layers that were paired by their place and show something else."""
        layers = self.links.layers
        if self.forced:
            return judged, ()
        shown = self.links.comparable(self._shown)
        names = guessed_wrongly(judged, layers.positions, shown, expected.exact)
        notes = (f"{name} shows something else than the layer in its place; left out" for name in names)
        return without_layers(judged, names), tuple(notes)

    def _held(self) -> Iterator[np.ndarray]:
        """Yield the arrays that a side is given, by whatever name."""
        for side in (self.sides.candidate, self.sides.reference):
            yield from side.parameters().values()
            yield from side.state().values()
        yield from self.asked.reference.inputs

    def _rounded(
        self, seed: int, draws: int
    ) -> tuple[Iterator[Program[TensorKey]], Iterator[Program[TensorKey]]]:
        """Programs of both sides with the values that the other one lacks rounded otherwise."""
        candidate, reference = self.sides.candidate, self.sides.reference
        links = self.links.parameters, self.links.state
        captured = () if self.run.program is None else self.run.program.constants
        mine = own_of_candidate(candidate, reference, *links).without(self.programs.plain.constants)
        theirs = own_of_reference(reference, *links).without(captured)
        return (
            rounded_programs(candidate, self.asked.candidate, mine, seed, draws),
            rounded_programs(reference, self.asked.reference, theirs, seed, draws),
        )


def _counted(masks: Masks, what: str) -> Iterator[str]:
    for key, mask in masks.items():
        yield f"{key}: {int(mask.sum())} of {mask.size} elements {what}; left out"
