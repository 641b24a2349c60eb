"""SymPy: formulas, turned into NumPy code, so arrays are NumPy's."""

from __future__ import annotations

from typing import Any

import sympy

from samestep.frameworks import numpy

DISTRIBUTIONS = ("sympy",)


class Adapter(numpy.Adapter):
    def describe(self) -> dict[str, Any]:
        described = super().describe()
        return described | {"versions": {"sympy": sympy.__version__, **described["versions"]}}
