"""How large correct errors of a model are: the answer to "is 1e-3 normal here?"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from samestep.agreement.arithmetic.program import Contract
from samestep.agreement.limits import smallest_normal
from samestep.models.expected import Expected
from samestep.models.tensors import Role, TensorKey

if TYPE_CHECKING:
    import pandas as pd


#: What a heading calls the errors of each contract.
ARITHMETIC = {
    Contract.FLOAT32: "float32 rounding",
    Contract.TF32: "rounding with TF32 matrix products",
    Contract.BFLOAT16: "rounding with bfloat16 matrix products",
    Contract.FLOAT16: "rounding with float16 matrix products",
}


@dataclass(frozen=True)
class TensorLimits:
    """What rounding does to one tensor, all in the tensor's own units.

    ``size`` is the root mean square of its values; ``sigma`` that of the standard deviations of its elements'
    errors; ``worst`` the standard deviation of its worst element; ``least_atol`` the absolute tolerance with
    which a test never fails correct code: the limit of its worst element.
    """

    key: TensorKey
    shape: tuple[int, ...]
    size: float
    sigma: float
    worst: float
    least_atol: float


@dataclass(frozen=True)
class HonestLimits:
    """The limits of every floating tensor of a model; it prints itself as a table."""

    rows: Sequence[TensorLimits]
    description: str
    contract: Contract
    replicas: int

    @cached_property
    def tensors(self) -> pd.DataFrame:
        """One row for each tensor."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"tensor": str(row.key), "shape": list(row.shape), "size": row.size, "sigma": row.sigma,
                 "worst": row.worst, "atol": row.least_atol}
                for row in self.rows
            ]
        )  # fmt: skip

    def __getitem__(self, name: str) -> TensorLimits:
        for row in self.rows:
            if name in (str(row.key), row.key.name):
                return row
        raise KeyError(f"{name!r} is not one of the tensors: {', '.join(str(row.key) for row in self.rows)}")

    def __str__(self) -> str:
        width = max((len(str(row.key)) for row in self.rows), default=6)
        head = f"{'tensor':{width}}  {'typical value':>13}  {'sigma':>9}  {'atol at least':>13}"
        lines = [
            f"{row.key!s:{width}}  {row.size:13.3g}  {row.sigma:9.2g}  {row.least_atol:13.2g}"
            for row in self.rows
        ]
        about = (
            f"{ARITHMETIC[self.contract]} in {self.description}, from {self.replicas} replicas:\n"
            "sigma is the typical error, atol what a test with a fixed tolerance needs at least"
        )
        return "\n".join([about, head, *lines])

    __repr__ = __str__


def honest_limits(expected: Expected, description: str, contract: Contract, replicas: int) -> HonestLimits:
    """Return the limits of what was measured, in the order in which the tensors are computed."""
    rows = []
    for key, spread in expected.spreads.items():
        value = expected.exact[key]
        sigma = np.where(spread.sigma > smallest_normal("float32"), spread.sigma, 0.0).astype(np.float64)
        worst = float(sigma.max(initial=0.0))
        rows.append(
            TensorLimits(key, value.shape, _rms(value), _rms(sigma), worst, spread.limit * worst)
        )  # fmt: skip
    return HonestLimits(_sorted(rows), description, contract, replicas)


def _rms(array: np.ndarray) -> float:
    finite = array[np.isfinite(array)]
    return float(np.sqrt(np.square(finite).mean())) if finite.size else 0.0


def _sorted(rows: list[TensorLimits]) -> list[TensorLimits]:
    """Outputs, loss and gradients first: what tests look at; layers after them."""
    inner = (Role.LAYER, Role.LAYER_GRADIENT)
    return [row for row in rows if row.key.role not in inner] + [row for row in rows if row.key.role in inner]
