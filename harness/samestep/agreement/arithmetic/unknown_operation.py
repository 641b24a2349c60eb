"""What a reference may not use, by the name that its author wrote, with what to write instead."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

_INPUT = "an input that is computed beforehand"

#: Operation, as it is written -> what does the same and is followed.
SUBSTITUTES: dict[str, str] = {
    "float() of a computed value": "the 0-d array itself",
    "int() of a computed value": "np.floor or a comparison",
    "a Python decision on a computed value (if, and, or, max)": "np.where or np.maximum",
    "np.add.reduceat": "np.add.at",
    "np.apply_along_axis": "whole arrays with axis=",
    "np.arctan2": "np.arctan(y / x) where x is positive",
    "np.average": "(weights * x).sum() / weights.sum()",
    "np.block": "np.concatenate",
    "np.convolve": "np.lib.stride_tricks.sliding_window_view and @",
    "np.copysign": "np.where(x < 0, -y, y)",
    "np.copyto": "x[...] = y",
    "np.corrcoef": "x - x.mean(axis=0) and @",
    "np.correlate": "np.lib.stride_tricks.sliding_window_view and @",
    "np.cov": "x - x.mean(axis=0) and @",
    "np.cross": "products of the columns and np.stack",
    "np.cumprod": "a loop of products",
    "np.deg2rad": "x * (np.pi / 180)",
    "np.delete": "np.concatenate of slices",
    "np.diff": "x[1:] - x[:-1]",
    "np.digitize": "(x[:, None] >= edges).sum(axis=1)",
    "np.ediff1d": "x[1:] - x[:-1]",
    "np.fill_diagonal": "x[np.arange(n), np.arange(n)] = value",
    "np.float_power": "x ** y",
    "np.heaviside": "np.where(x > 0, 1.0, 0.0)",
    "np.insert": "np.concatenate of slices",
    "np.interp": "np.where on the pieces",
    "np.isclose": "np.abs(x - y) < distance",
    "np.kron": "np.einsum and reshape",
    "np.linalg.cholesky": _INPUT,
    "np.linalg.det": _INPUT,
    "np.linalg.eigh": _INPUT,
    "np.linalg.inv": _INPUT,
    "np.linalg.matrix_norm": "np.sqrt(np.square(x).sum())",
    "np.linalg.matrix_power": "@",
    "np.linalg.multi_dot": "@",
    "np.linalg.qr": _INPUT,
    "np.linalg.solve": _INPUT,
    "np.linalg.svd": _INPUT,
    "np.linalg.vector_norm": "np.linalg.norm",
    "np.logaddexp.reduce": "scipy.special.logsumexp",
    "np.maximum.accumulate": "a loop of np.maximum",
    "np.median": "np.sort and an index",
    "np.nan_to_num": "np.where(np.isnan(x), 0.0, x)",
    "np.nanmax": "np.max with where= and initial=",
    "np.nanmean": "np.mean with where=",
    "np.nanmin": "np.min with where= and initial=",
    "np.nansum": "np.sum with where=",
    "np.partition": "np.sort",
    "np.percentile": "np.sort and an index",
    "np.piecewise": "np.where",
    "np.polyval": "(a * x + b) * x + c",
    "np.ptp": "x.max() - x.min()",
    "np.put_along_axis": "x[np.arange(n), y] = values",
    "np.quantile": "np.sort and an index",
    "np.rad2deg": "x * (180 / np.pi)",
    "np.remainder": "x - n * np.floor(x / n)",
    "np.resize": "np.tile and a slice",
    "np.round to decimals": "np.round(x * 100) / 100",
    "np.select": "np.where",
    "np.signbit": "x < 0",
    "np.sinc": "np.sin(np.pi * x) / (np.pi * x)",
    "np.tan": "np.sin(x) / np.cos(x)",
    "np.trapezoid": "(x[1:] + x[:-1]).sum() / 2",
    "np.vander": "np.stack of powers",
    "scipy.special.logit": "np.log(p) - np.log1p(-p)",
    "scipy.special.rel_entr": "x * np.log(x / y)",
    "scipy.special.softplus": "np.logaddexp(0.0, x)",
    "x.choose": "np.where",
    "x.compress": "x[mask]",
    "x.fill": "x[...] = value",
    "x.item": "the 0-d array itself",
    "x.partition": "np.sort",
    "x.tolist": "the array itself",
    "x.view": "x.copy()",
}


class UnknownOperation(TypeError):
    """Raised where code uses an ``operation`` that the array types do not know; they guess nothing.

    ``substitute`` is what to write instead, "" where nothing does the same.
    """

    def __init__(self, operation: str, substitute: str = "") -> None:
        self.operation = operation
        self.substitute = substitute or SUBSTITUTES.get(operation, "")
        super().__init__(operation + (f"; use {self.substitute}" if self.substitute else ""))

    def at(self, who: str, place: str) -> UnknownOperation:
        """Return the same in one line that says whose code it is, and where: file.py:12."""
        placed = type(self)(self.operation, self.substitute)
        use = f": use {self.substitute}" if self.substitute else ""
        placed.args = (f"{who} uses {self.operation} ({place}), whose rounding cannot be followed{use}",)
        return placed


class UnknownAttribute(UnknownOperation, AttributeError):
    """The same for a method, so that ``hasattr`` says that there is none."""


def is_numpys(ufunc: np.ufunc) -> bool:
    """Return whether NumPy itself has this very ufunc under its name."""
    return getattr(np, ufunc.__name__, None) is ufunc


def is_scipys(ufunc: np.ufunc) -> bool:
    """Return whether ``scipy.special`` has it, which is not imported for that."""
    return getattr(sys.modules.get("scipy.special"), ufunc.__name__, None) is ufunc


def name_of(function: Callable[..., Any]) -> str:
    """Return a function as its user writes it: np.exp, np.linalg.norm, scipy.special.erf."""
    if isinstance(function, np.ufunc):
        package = "np." if is_numpys(function) else "scipy.special." if is_scipys(function) else ""
        return package + function.__name__
    package, *rest = [part for part in (function.__module__ or "").split(".") if not part.startswith("_")]
    return ".".join(["np" if package == "numpy" else package, *rest, function.__name__])
