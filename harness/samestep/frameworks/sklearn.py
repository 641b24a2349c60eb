"""scikit-learn: estimators that take NumPy arrays and compute with NumPy's BLAS."""

from __future__ import annotations

import sklearn

from samestep.frameworks import Description, Settings, Shared, Unavailable, numpy

DISTRIBUTIONS = ("scikit-learn",)


class Adapter(numpy.Adapter):
    def __init__(self, settings: Settings) -> None:
        if settings.device != "cpu":
            raise Unavailable("scikit-learn's MLPClassifier computes on the CPU only")
        super().__init__(settings)

    def shared(self) -> Shared:
        return Shared({"scikit-learn's settings": sklearn.get_config()}, (sklearn,))

    def describe(self) -> Description:
        about = super().describe()
        about["versions"]["scikit-learn"] = sklearn.__version__
        return about
