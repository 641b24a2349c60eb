"""A comparison from end to end: both sides run, are paired, asked both questions, and judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from samestep.agreement.arithmetic.program import Contract, Program, Refused
from samestep.models.arithmetic_check import ArithmeticStatistics, check_arithmetic
from samestep.models.asked import Asked
from samestep.models.correspond import Shown, correspond, reference_name
from samestep.models.engine_errors import refusing
from samestep.models.expected import Expected, Progress, ReferencePrograms, measure_expected
from samestep.models.function_check import FunctionCheck, FunctionStatistics
from samestep.models.gates import flipped, without
from samestep.models.guessed_layers import guessed_wrongly, without_layers
from samestep.models.judged import JudgedTensor
from samestep.models.missing_gradients import missing_gradients
from samestep.models.options import Options
from samestep.models.overflow import overflow_suspects, overflowing
from samestep.models.own_state import own_state, rounded_programs
from samestep.models.pairing.correspondence import Correspondence
from samestep.models.pairing.outputs import pair_outputs
from samestep.models.prepare import Sides
from samestep.models.question import Question
from samestep.models.subject import ModelError, Subject
from samestep.models.tensors import Role, TensorKey, Tensors


@dataclass(frozen=True)
class CandidateRun:
    """The candidate as it really ran, twice, and its program; None, with the ``reason``, without an engine.

    ``again`` is the second run; ``exact`` the program's exact run.
    """

    tensors: Tensors
    again: Tensors
    program: Program[TensorKey] | None
    exact: Tensors | None
    reason: str | None

    @property
    def repeats(self) -> bool:
        """Whether both runs gave the same bits."""
        return all(
            np.array_equal(value, self.again[key], equal_nan=value.dtype.kind == "f")
            for key, value in self.tensors.items()
        )


@dataclass(frozen=True)
class Comparison:
    """What both questions say of one question's tensors, before it is put into words."""

    sides: Sides
    asked: Asked
    run: CandidateRun
    programs: ReferencePrograms
    links: Correspondence
    expected: Expected
    judged: tuple[JudgedTensor, ...]
    notes: tuple[str, ...] = ()


@contextmanager
def naming(side: str) -> Iterator[None]:
    """Say in a `ModelError` of the block which side it is about."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{side}: {error}") from error.__cause__


def run_candidate(candidate: Subject, question: Question) -> CandidateRun:
    """Return the candidate's runs. Raises `ModelError`, which names the candidate."""
    with naming("candidate"):
        tensors, again = candidate.run(question), candidate.run(question)
    try:
        with refusing(candidate, question):
            program = candidate.program(question)
            return CandidateRun(tensors, again, program, program.exact(), None)
    except Refused as refused:
        return CandidateRun(tensors, again, None, None, str(refused))


def open_programs(reference: Subject, question: Question, contract: Contract) -> ReferencePrograms:
    """Return the reference's programs. Raises `Refused`, and `ModelError`, which names the reference."""
    with naming("reference"), refusing(reference, question):
        plain = reference.program(question)
        own = plain.exact()
        declared = plain if contract is Contract.FLOAT32 else reference.program(question, contract)
        if declared is not plain:
            declared.exact()
    return ReferencePrograms(plain, declared, own)


def compare_once(sides: Sides, asked: Asked, options: Options, progress: Progress) -> Comparison:
    """Return what both questions say. Raises `ModelError`, and `Refused` for the reference."""
    run = run_candidate(sides.candidate, asked.candidate)
    programs = open_programs(sides.reference, asked.reference, options.contract)
    alike = _with_cotangents_of(asked, run.tensors, programs.own)
    if alike is not asked:
        asked, run = alike, run_candidate(sides.candidate, alike.candidate)
    mine = Shown(run.exact or run.tensors, sides.candidate.parameters(), sides.candidate.state())
    theirs = Shown(programs.own, sides.reference.parameters(), sides.reference.state())
    links = correspond(mine, theirs, sides, options)
    return judge(sides, asked, run, programs, links, options, progress)


def _with_cotangents_of(asked: Asked, tensors: Tensors, own: Tensors) -> Asked:
    """Return the question with the cotangents that the partners of the candidate's outputs have.

    Frameworks order the parts of an output otherwise: JAX sorts a dict, PyTorch leaves it as it is made.
    """
    mine, theirs = (
        {key.name: x for key, x in found.items() if key.role is Role.OUTPUT} for found in (tensors, own)
    )
    links = pair_outputs(theirs, mine).links
    floating = [[name for name, x in side.items() if x.dtype.kind not in "biu"] for side in (mine, theirs)]
    partners = [links[name].sources[0] for name in floating[0]]
    if asked.candidate.loss is not None or partners == floating[1] or {*partners} != {*floating[1]}:
        return asked
    numbers = tuple(map(floating[1].index, partners))
    return replace(asked, candidate=replace(asked.candidate, cotangents=numbers))


def judge(
    sides: Sides,
    asked: Asked,
    run: CandidateRun,
    programs: ReferencePrograms,
    links: Correspondence,
    options: Options,
    progress: Progress,
) -> Comparison:
    """Return what both questions say of tensors that are already paired."""
    expected = measure_expected(programs, links.apply, {}, options.replicas, options.seed, progress)
    got, spilled = _without_overflow(sides, asked, links, expected, links.comparable(run.tensors))
    arithmetic = check_arithmetic(got, expected, {})
    function: dict[TensorKey, FunctionStatistics] = {}
    if run.program is not None:
        held = partial(_held, sides, asked)
        rounded = partial(_rounded, sides, asked, links, options.seed)
        check = FunctionCheck(run.program, programs.plain, expected, links, options.seed, held, rounded)
        function = check.run(run.exact or {})
    doubtful = [key for key, found in arithmetic.items() if _may_hang_on_a_gate(found, function.get(key))]
    masks = flipped(programs.declared, links.apply, expected, got, doubtful, options.seed) if doubtful else {}
    if masks:
        arithmetic = check_arithmetic(without(got, expected, masks), expected, {})
    judged = tuple(
        JudgedTensor(key, reference_name(links, key), value.shape, function.get(key), arithmetic.get(key))
        for key, value in expected.exact.items()
        if key in function or key in arithmetic
    )
    shown = links.comparable(run.exact or run.tensors)
    others = guessed_wrongly(judged, links.layers.positions, shown, expected.exact)
    judged = without_layers(judged, others)
    missing, said = missing_gradients(sides, links, run.exact or run.tensors, programs.own)
    judged += tuple(missing)
    said = (*said, *(f"{name} shows something else than the layer in its place; left out" for name in others))
    notes = (*_said(spilled, "overflow on both sides"), *_said(masks, "hang on a gate that rounding flips"))
    return Comparison(sides, asked, run, programs, links, expected, judged, (*notes, *said))


def _held(sides: Sides, asked: Asked) -> Iterator[np.ndarray]:
    """Yield the arrays that a side is given, by whatever name."""
    for side in (sides.candidate, sides.reference):
        yield from side.parameters().values()
        yield from side.state().values()
    yield from asked.reference.inputs


def _rounded(
    sides: Sides, asked: Asked, links: Correspondence, seed: int, draws: int
) -> tuple[Iterator[Program[TensorKey]], Iterator[Program[TensorKey]]]:
    """Programs of both sides with the state that the other one lacks rounded otherwise."""
    sources = {source for link in links.state.links.values() for source in link.sources}
    mine, theirs = own_state(sides.candidate, links.state.links), own_state(sides.reference, sources)
    return (
        rounded_programs(sides.candidate, asked.candidate, mine, seed, draws),
        rounded_programs(sides.reference, asked.reference, theirs, seed, draws),
    )


def _without_overflow(
    sides: Sides, asked: Asked, links: Correspondence, expected: Expected, got: Tensors
) -> tuple[Tensors, Mapping[TensorKey, np.ndarray]]:
    """The candidate's tensors without the elements that the reference's real run overflows in too."""
    suspects = overflow_suspects(check_arithmetic(got, expected, {}))
    if not suspects:
        return got, {}
    masks = overflowing(got, expected, links.apply(sides.reference.run(asked.reference)), suspects)
    return without(got, expected, masks), masks


def _may_hang_on_a_gate(found: ArithmeticStatistics, function: FunctionStatistics | None) -> bool:
    """Whether an element is beyond its limit, and the functions are the same as far as is known."""
    beyond = found.statistics is not None and found.statistics.first is not None
    return beyond and (function is None or function.same)


def _said(masks: Mapping[TensorKey, np.ndarray], what: str) -> tuple[str, ...]:
    return tuple(
        f"{key}: {int(mask.sum())} of {mask.size} elements {what}; left out" for key, mask in masks.items()
    )
