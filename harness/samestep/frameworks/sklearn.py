"""scikit-learn: estimators that eat NumPy arrays, and compute with NumPy's BLAS."""

from __future__ import annotations

from typing import Any

import sklearn

from samestep.frameworks import Settings, Unavailable
from samestep.frameworks import numpy as arrays

DISTRIBUTIONS = ("scikit-learn",)


class Adapter(arrays.Adapter):
    def __init__(self, settings: Settings) -> None:
        if settings.device != "cpu":
            raise Unavailable("scikit-learn's MLPClassifier computes on the CPU only")
        super().__init__(settings)

    def describe(self) -> dict[str, Any]:
        about = super().describe()
        return about | {"versions": about["versions"] | {"scikit-learn": sklearn.__version__}}
