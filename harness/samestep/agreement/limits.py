"""The constants of the scheme, each with its derivation. No other module holds a tolerance.

u is the unit roundoff of the arithmetic that a cell declares: half the distance from 1 to the next number.
sigma is the standard deviation of the error that correct code makes in one element.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

#: Accuracy allowed to exp, log and tanh, in u. Libraries document 4 ulp or better (one ulp is up to 2 u);
#: the worst measured over the libraries here is 6.3 ulp, for a sigmoid. 8 ulp is 16 u.
LIBRARY_FUNCTION_UNITS = 16.0


def unit_roundoff(dtype: npt.DTypeLike) -> float:
    """Return u: 2^-24 for float32, 2^-53 for float64."""
    return float(np.finfo(dtype).eps) / 2


def smallest_normal(dtype: npt.DTypeLike) -> float:
    """Return the most that underflow can lose where denormals are flushed to zero."""
    return float(np.finfo(dtype).tiny)


def gamma(n: int, dtype: npt.DTypeLike) -> float:
    """Return gamma_n = n u / (1 - n u), the relative error of n roundings (Higham 2002, lemma 3.1).

    It is infinite where n u is 1 or more.
    """
    nu = n * unit_roundoff(dtype)
    return nu / (1 - nu) if nu < 1 else float("inf")


def reference_share(dtype: npt.DTypeLike) -> float:
    """Return the factor on every limit: 2 for float64, else 1.

    The reference computes in float64 and rounds too: beside a float64 candidate it may err as far.
    """
    return 2.0 if np.dtype(dtype) == np.float64 else 1.0


#: How much more a complex operation may round than a real one: division is within sqrt(2) gamma_4 of
#: the exact quotient, the other operations within less (Higham 2002, lemma 3.5).
COMPLEX_UNITS = 4 * 2**0.5

#: The step of complex-step differentiation: its error is of the order of the step's square.
COMPLEX_STEP = 1e-100

#: The worst case of float32 is computed in float64, which rounds too: values by 2^-29 of the bound, since
#: both propagate alike, and the bound by 2^-53 for each operation. A share over 1 + this is beyond for sure.
BOUND_ROUNDING = 2.0**-20

# -- the statistical limits ----------------------------------------------------------------------------

#: How often the reference is run with noise: at a case's own values, where all implementations start, and
#: everywhere else. Fewer replicas know sigma less well, and `elementwise_limit` pays for it.
REPLICAS, FEWER_REPLICAS = 100, 24

#: Replicas of a whole training of hundreds of steps, which takes hundreds of times as long. So few make an
#: elementwise limit of some hundred sigma: wide enough for what the model of scatter leaves out there
#: (updates that are lost to rounding, all one way, add at most half an ulp a step, 19 sigma over 500), and
#: still far below one step that is not made in float64.
FEWEST_REPLICAS = 8

#: Numbers that all campaigns together may ever compare, and the false alarms that they may raise.
NUMBERS_COMPARED, FALSE_ALARMS = 1e9, 1e-6

#: P(|error| / sigma > t) <= exp(-1.744 t): the tail law that the errors of correct code were measured to stay
#: below.
TAIL = 1.744

#: Correct code was measured at a norm of 0.35 to 0.76 sigma (a sequential sum: 0.7356); twice that is
#: another arithmetic.
NORM = 1.6

#: Standard deviations of the replicas that a scale, or the norm where it varies, may be away.
DEVIATIONS = 8.0

#: No element's sigma is taken for less than this share of its tensor's: an error may come from a neighbour.
FLOOR = 1 / 4

#: Gates that are tried both ways where a tensor is over its limits, the nearest to their thresholds first.
#: Among 40,000 relus whose net inputs are known to a millionth one is undecided; each costs one more run.
GATES = 6

#: The unit roundoff of the noise. Noise of float64's own size would drown in the rounding of the float64
#: that carries it, so there larger noise is injected and sigma scaled down: propagation is linear in it.
SIMULATED = {np.dtype("float32"): 2.0**-24, np.dtype("float64"): 2.0**-40}

#: Operands of a product in TF32 keep 10 bits after the point; hardware may cut the rest off.
TF32_ROUNDOFF = 2.0**-11


def rounding_deviation(u: float) -> float:
    """Return the standard deviation of one rounding error that is uniform in [-u, u]."""
    return u / 3**0.5


@cache
def elementwise_limit(replicas: int) -> float:
    """Return the limit of an element's |error|, in sigma, where sigma is estimated from ``replicas`` runs.

    Solves E[exp(-TAIL limit r)] = FALSE_ALARMS / NUMBERS_COMPARED for the limit, where r^2 is distributed as
    chi^2(replicas - 1) / (replicas - 1), so that an underestimated sigma causes no false positive.
    """
    freedom = replicas - 1
    r = np.linspace(0, 4, 40_001)[1:]
    density = np.exp((freedom - 1) * np.log(r) - freedom * (np.square(r) - 1) / 2)
    density /= density.sum()
    low, high = 1.0, 1e4
    while high - low > high * np.finfo(float).eps ** 0.5:
        middle = (low + high) / 2
        alarms = float((density * np.exp(-TAIL * middle * r)).sum())
        low, high = (middle, high) if alarms > FALSE_ALARMS / NUMBERS_COMPARED else (low, middle)
    return high


#: How far a perturbation moves each input, relatively: far above float32's rounding, so that no sum rounds as
#: it did, and small enough that a network trains as it did.
PERTURBATION = 2.0**-7

#: A diagnosis is given if it leaves no more than this share of the error; for tensors of fewer elements than
#: this, which a wrong guess may match by chance, only if what is left is within what rounding does.
EXPLAINED, EXPLAINED_SIZE = 1 / 8, 16

#: A fitted cause is named only if all that was tried, with every digit that was chosen, would fit as well by
#: chance in less than this share of mismatches; it is certain only if no other cause that needs less than
#: this many times its choices explains the error too.
COINCIDENCE = 1 / 1000

#: A tensor identifies the arithmetic that made it if it comes from sums of N terms, and if the norm of
#: its error hardly varies: then 8 standard deviations of that do not lead half way to the next arithmetic.
IDENTIFYING_TERMS, IDENTIFYING_NORM = 256, 1 / 2 / DEVIATIONS

#: It is used only where float32 errs this factor more than float64 rounded once (11 times, measured over
#: sums of 1,000 terms): then each is far from the geometric mean of the two.
IDENTIFYING_RATIO = 4.0

#: An arithmetic is identified where the norm is within this factor of what that arithmetic gives; the
#: arithmetics lie further apart, but for those that round alike (TF32 and float16 operands).
IDENTIFIED_WITHIN = 1.5
