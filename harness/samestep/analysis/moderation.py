"""What ratios lend each other: the variance that one is expected to have, before its processes are asked.

Few processes know their own scatter badly. What a ratio's own processes say of its variance is weighed
against what other ratios lead to expect of it (Smyth, Linear models and empirical Bayes methods for assessing
differential expression, Stat. Appl. Genet. Mol. Biol. 3, 2004). Among the ratios of one table that is one
number. Where a run has many, it follows the scatter of rounds: the median of a process scatters by what
processes differ (tau^2) and by what the median owes to its rounds (w), so the variance of a ratio is expected
to be tau^2 + beta * w. Both are fitted over all ratios of the run: a variance s^2 of f degrees of freedom has
mean sigma^2 and variance 2 sigma^4 / f, so this is a gamma regression with identity link (McCullagh and
Nelder, Generalized Linear Models, 1989, chapter 8), by least squares with weights f / sigma^4. That a prior
may follow what is known of each variance beforehand is Sartor et al., Intensity-based hierarchical Bayes
method, BMC Bioinformatics 7, 2006.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

#: How unlike in scatter ratios are taken to be, as far as they do not show it: the variance of the logarithms
#: of their true variances. One in twenty varies four times as much as the median one.
UNLIKE = 2 / 3

#: A run of fewer ratios does not know how variances follow the scatter of rounds
#: (`results/measuring/power.md`).
FEWEST = 30

#: From as many rounds on the scatter within a process says something: of two the median is the mean, and how
#: far they are apart is a matter of luck.
FEWEST_ROUNDS = 3

#: Iterations of the fit: weights follow it and change it, and after 15 no digit that matters moves.
TURNS = 15

#: The least part of the median variance that any is taken to be, as logarithms are taken of all.
LEAST = float(np.finfo(float).eps ** 0.5)


@dataclass(frozen=True)
class OwnVariance:
    """What a ratio's own processes say of the variance of one of them: ``variance`` with its degrees of
    ``freedom``, and ``rounds``, how much of it the median of a process owes to its rounds (None: too few)."""

    variance: float
    freedom: int
    rounds: float | None = None


@dataclass(frozen=True)
class Prior:
    """The variance that a ratio is expected to have: ``between`` + ``slope`` * what it owes to its rounds,
    as if known with ``freedom`` degrees of freedom; none gets more than ``most`` in the end."""

    between: float
    slope: float
    freedom: float
    most: float

    def moderated(self, own: OwnVariance) -> tuple[float, float]:
        """Return the variance of a ratio after its own processes were asked, and its degrees of freedom."""
        together = own.freedom + self.freedom
        if not together:
            return 0.0, 0.0
        expected = self.between + self.slope * (own.rounds or 0.0)
        variance = (own.freedom * own.variance + self.freedom * expected) / together
        return variance, min(together, max(own.freedom, self.most))


def rounds_share(processes: Sequence[np.ndarray]) -> float | None:
    """Return the variance that the median of a process owes to its rounds, the median over processes, of
    which one may have been disturbed; None where none has enough rounds.

    It is read off two order statistics near the middle, which hold the median as often as a binomial law says
    (Price and Bonett, Estimating the variance of the sample median, J. Stat. Comput. Simul. 68, 2001), and so
    sees both heaps where rounds fall into two; the median absolute deviation sees one.
    """
    found = [_of_median(np.sort(rounds)) for rounds in processes if rounds.size >= FEWEST_ROUNDS]
    return float(np.median(found)) if found else None


def _of_median(ordered: np.ndarray) -> float:
    n = ordered.size
    nth = max(1, round((n + 1) / 2 - n**0.5))
    deviations = 2 * special.ndtri(1 - special.bdtr(nth - 1, n, 0.5))
    return float(((ordered[n - nth] - ordered[nth - 1]) / deviations) ** 2)


def of_table(owns: Sequence[OwnVariance]) -> Prior:
    """Return the prior of the ratios of one table: fewer than three know nothing of each other."""
    known = [own for own in owns if own.freedom]
    shared, freedom = _shared(np.array([own.variance for own in known]), _freedoms(known))
    return Prior(shared, 0.0, freedom, _together(known))


def of_run(tables: Sequence[Sequence[OwnVariance]]) -> Prior | None:
    """Return the prior of all ratios of a run, by its tables; None where that is for each table to say."""
    known = [own for table in tables for own in table if own.freedom and own.rounds is not None]
    variances, freedoms = np.array([own.variance for own in known]), _freedoms(known)
    rounds = np.array([own.rounds for own in known], dtype=float)
    if len(known) < FEWEST or not np.median(variances):
        return None
    between, slope = _line(variances, freedoms, rounds)
    shared, freedom = _shared(variances / (between + slope * rounds), freedoms)
    most = sum(_together([own for own in table if own.freedom]) for table in tables)
    return Prior(shared * between, shared * slope, freedom, most)


def _line(variances: np.ndarray, freedoms: np.ndarray, rounds: np.ndarray) -> tuple[float, float]:
    """Return tau^2 and beta, neither below 0; tau^2 so far above that all are expected to vary."""
    from scipy.optimize import nnls

    least = LEAST * float(np.median(variances))
    expected = variances.mean() + rounds
    between, slope = least, 0.0
    for _ in range(TURNS):
        weights = np.sqrt(freedoms) / expected
        solved, _ = nnls(np.stack([weights, weights * rounds], axis=1), weights * variances)
        between, slope = max(least, float(solved[0])), float(solved[1])
        expected = between + slope * rounds
    return between, slope


def _freedoms(owns: Iterable[OwnVariance]) -> np.ndarray:
    return np.array([own.freedom for own in owns], dtype=float)


def _together(owns: Sequence[OwnVariance]) -> float:
    """The degrees of freedom of the mean of the variances of a table.

    All are ratios to the same processes of the baseline, so that any two correlate by a half: the mean of
    such correlated squares scatters as that of fewer independent ones, and never of more than four.
    """
    many = len(owns)
    return sum(own.freedom for own in owns) / (1 + (many - 1) / 4) if many else 0.0


def _shared(variances: np.ndarray, freedoms: np.ndarray) -> tuple[float, float]:
    """The variance that all share, and how many degrees of freedom it is worth to each (Smyth 2004, 6.2).

    A dozen of two processes each cannot tell whether their variances are alike, and those that look alike by
    chance would lend too much. So what they show is weighed against `UNLIKE`, by its own variance.
    """
    many = variances.size
    if many < 3 or not np.median(variances):
        return 0.0, 0.0
    half = freedoms / 2
    variances = np.maximum(variances, LEAST * np.median(variances))  # log(0)
    logs = np.log(variances) - special.digamma(half) + np.log(half)
    chance = float(special.polygamma(1, half).mean())
    doubt = 2 * chance**2 / (many - 1) + float(special.polygamma(3, half).mean()) / many
    shown = max(0.0, float(logs.var(ddof=1)) - chance)
    scatter = UNLIKE + (shown - UNLIKE) * UNLIKE**2 / (UNLIKE**2 + doubt)
    freedom = 2 * _inverse_trigamma(scatter)
    return float(np.exp(logs.mean() + special.digamma(freedom / 2) - np.log(freedom / 2))), freedom


def _inverse_trigamma(value: float) -> float:
    """x with trigamma(x) = value, by Newton's method on 1 / trigamma, which converges from above."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = special.polygamma(1, x)
        x += trigamma * (1 - trigamma / value) / special.polygamma(2, x)
    return float(x)
