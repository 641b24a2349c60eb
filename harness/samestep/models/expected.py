"""What the reference says of each of the candidate's tensors: its exact value, and what rounding does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from samestep.agreement.arithmetic.program import DOUBLE_SCALE, Level, Program
from samestep.agreement.reference.spread import Spread, SpreadMeter
from samestep.agreement.released import release
from samestep.models.handed_on import add_replica, told_alone
from samestep.models.kept_spreads import digest_of, kept_spreads, probe
from samestep.models.pairing.correspondence import Correspondence
from samestep.models.recorded.recorded_program import RecordedProgram
from samestep.models.recorded.translated_spreads import translated
from samestep.models.tensors import TensorKey, Tensors

#: From the reference's tensors to what they say of the candidate's, under the candidate's keys.
Translate = Callable[[Tensors], Tensors]
#: Told how many runs of how many are done.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Expected:
    """The reference under the candidate's keys, in the shapes of the candidate's tensors.

    ``exact`` is in float64, or exact integers. ``spreads`` holds, of every floating tensor, sigma of what
    its own dtypes do; ``double`` sigma of what rounding at 2^-53 does, in the tensor's units.
    """

    exact: Tensors
    spreads: Mapping[TensorKey, Spread]
    double: Mapping[TensorKey, np.ndarray]


@dataclass(frozen=True)
class DoubleSigma(Mapping[TensorKey, np.ndarray]):
    """Sigma of rounding at 2^-53, from its simulation, in float64: made when it is asked for."""

    simulated: Mapping[TensorKey, Spread]

    def __getitem__(self, key: TensorKey) -> np.ndarray:
        sigma = self.simulated[key].sigma.astype(np.float64)
        sigma *= DOUBLE_SCALE
        return sigma

    def __contains__(self, key: object) -> bool:
        return key in self.simulated

    def __iter__(self) -> Iterator[TensorKey]:
        return iter(self.simulated)

    def __len__(self) -> int:
        return len(self.simulated)


@dataclass(frozen=True)
class ReferencePrograms:
    """The reference for the engine: ``plain`` as its code says, ``declared`` in the arithmetic of a contract.

    They are the same program without a contract. ``own`` is the exact run of the plain one.
    """

    plain: Program[TensorKey]
    declared: Program[TensorKey]
    own: Tensors

    @property
    def uniform(self) -> bool:
        """Whether all rounding is float32's: then one set of replicas is both."""
        return self.plain is self.declared and self.plain.uniform


def measure_expected(
    programs: ReferencePrograms,
    translate: Translate,
    before: Mapping[TensorKey, np.ndarray],
    replicas: int,
    seed: int,
    progress: Progress,
    wide: Collection[TensorKey] = (),
    links: Correspondence | None = None,
) -> Expected:
    """Return what the reference says, from its exact run and N ``replicas``; a record has their spreads.

    ``before`` holds the values of the parameters that a step moves, under the candidate's keys. A reference
    in float64 is a better one: sigma is what its own dtypes do, and at least what float32 does in the same
    operations, or float64 for the tensors in ``wide``, which the candidate has in it. ``links`` are those
    that ``translate`` goes by, which a record's spreads go through. Raises
    `samestep.agreement.arithmetic.program.Refused`.
    """
    exact = translate(programs.own)
    if isinstance(programs.declared, RecordedProgram):
        assert links is not None  # a record is only asked beside a candidate
        own, double = (
            translated(spreads, programs.own, links, exact, before) for spreads in programs.declared.spreads
        )
        same = programs.declared.uniform
    else:
        own, double = measure_spreads(programs, translate, exact, before, replicas, seed, progress)
        same = programs.uniform
    spreads = {
        key: spread if same else wider(spread, in_double(double[key]) if key in wide else double[key])
        for key, spread in own.items()
    }
    return Expected(exact, spreads, DoubleSigma(double))


def measure_spreads(
    programs: ReferencePrograms,
    translate: Translate,
    exact: Tensors,
    before: Mapping[TensorKey, np.ndarray],
    replicas: int,
    seed: int,
    progress: Progress,
) -> tuple[dict[TensorKey, Spread], dict[TensorKey, Spread]]:
    """Return the spreads of the reference's own dtypes and of float64, simulated: the same ones where its
    rounding is float32's. ``exact`` is the exact run, translated; the other arguments are those of
    `measure_expected`. Raises `Refused`.
    """
    terms = {key: programs.plain.terms.get(key, 1) for key in exact}
    runs = [(programs.declared, Level.OWN)] + ([] if programs.uniform else [(programs.plain, Level.DOUBLE)])

    def measure() -> list[dict[TensorKey, Spread]]:
        meters = [SpreadMeter(exact, before, terms, "float32") for _ in runs]
        total, alone = replicas * len(runs), told_alone(translate, programs.own)
        for replica in range(replicas):
            for meter, (program, level) in zip(meters, runs, strict=True):
                progress(total - (replicas - replica) * len(runs), total)
                add_replica(meter, translate, alone, program, seed + replica, level)
        progress(total, total)
        if alone:
            release()
        return [meter.spreads() for meter in meters]

    def follows_from() -> str:
        return digest_of(exact, before, translate(probe(programs.own)), (*terms.values(), replicas, seed))

    found = kept_spreads(runs, exact, follows_from, measure)
    return found[0], found[-1]


def in_double(spread: Spread) -> Spread:
    """Return what rounding at 2^-53 does, from its simulation at 2^-24."""
    return replace(
        spread, sigma=spread.sigma.astype(np.float64) * DOUBLE_SCALE, precision="float64",
        scale_varies=spread.scale_varies * DOUBLE_SCALE,
    )  # fmt: skip


def wider(one: Spread, other: Spread) -> Spread:
    """Return the spread of errors that are as large as either's, element by element."""
    larger = one if np.square(one.sigma).sum() > np.square(other.sigma).sum() else other
    return replace(
        larger, sigma=np.maximum(one.sigma, other.sigma),
        norm_varies=max(one.norm_varies, other.norm_varies),
        scale_varies=max(one.scale_varies, other.scale_varies),
    )  # fmt: skip
