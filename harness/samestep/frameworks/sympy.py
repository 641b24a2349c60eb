"""SymPy: formulas, turned into NumPy code, so arrays are NumPy's."""

from __future__ import annotations

import sympy

from samestep.frameworks import Description, numpy

DISTRIBUTIONS = ("sympy",)


class Adapter(numpy.Adapter):
    def describe(self) -> Description:
        about = super().describe()
        about["versions"] = {"sympy": sympy.__version__, **about["versions"]}
        return about
