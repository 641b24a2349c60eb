"""How much each elementwise operation rounds, in u, relative to its result: one table for all engines.

Names are NumPy's where NumPy has the operation; an engine maps its own names to them. What is not here is
exact, is a sum or a product of several terms, or is taken apart into these. The relative error of a function
near a zero that its operand does not share (digamma) is not bounded by units: such functions stand in
`ABSOLUTE`, and err by N u of max(1, |result|).
"""

from __future__ import annotations

from samestep.agreement.limits import LIBRARY_FUNCTION_UNITS

#: 1 / sqrt(x) is two roundings, the square root's own halved by the slope: 1.5 u. Where it is one
#: instruction with a Newton step (XLA, CUDA's rsqrtf) 2 ulp are documented: 4 u.
RECIPROCAL_ROOT_UNITS = 4.0

_ROUNDED_ONCE = ("add", "subtract", "multiply", "divide", "sqrt", "square", "reciprocal", "remainder")

_LIBRARY = (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin", "arccos",
    "angle", "arctan", "arctan2", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "sinc", "cbrt",
    "hypot", "power",
    "sigmoid", "erf", "erfc", "erfcx", "erfinv", "ndtri", "log_ndtr", "ndtr", "i0", "i0e", "i1", "i1e",
    "xlogy", "xlog1py", "entr",
)  # fmt: skip

#: Operation -> roundings of one call, in u of the result. Saturation is no exception: measured on tanh
#: where it is over 0.9999, XLA errs by 4.4 u and TensorFlow by 5.8 u.
ELEMENTWISE_UNITS: dict[str, float] = {
    **dict.fromkeys(_ROUNDED_ONCE, 1.0),
    "rsqrt": RECIPROCAL_ROOT_UNITS,
    **dict.fromkeys(_LIBRARY, LIBRARY_FUNCTION_UNITS),
}

#: Operation -> roundings in u of max(1, |result|): their zeros are no zeros of the operand.
ABSOLUTE: dict[str, float] = dict.fromkeys(
    ("lgamma", "digamma", "polygamma", "logaddexp", "logaddexp2", "betaln"), LIBRARY_FUNCTION_UNITS
)
