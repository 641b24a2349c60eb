"""Factorisations and solutions of linear systems: exact functions of matrices that rounding has moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.linear_systems import (
    cholesky_variance,
    elimination_variance,
    substitution_variance,
)
from samestep.agreement.arithmetic.torch.arguments import given
from samestep.agreement.arithmetic.torch.operation_table import rule
from samestep.agreement.arithmetic.torch.places import refuse

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode


def _real(func: Any, *tensors: Tensor) -> None:
    if any(x.is_complex() for x in tensors):
        refuse(func, "complex matrices have no rule")


def _factors(mode: NoiseMode, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """L and U in one, the pivots, and whether it is singular."""
    mode.terms = max(mode.terms, a.shape[-1])

    def deviation() -> Tensor:
        permuted, lower, upper = torch.lu_unpack(*torch.linalg.lu_factor_ex(a)[:2])
        return permuted @ elimination_variance(torch, permuted.mT @ a, lower, upper).sqrt()

    moved = a + mode.absolute(torch.zeros_like(a), deviation)
    found = torch.linalg.lu_factor_ex(moved)
    return found[0], found[1], found[2]


def _substituted(mode: NoiseMode, t: Tensor, b: Tensor, upper: bool, unit: bool = False) -> Tensor:
    """X of T X = B."""

    def solved(right: Tensor) -> Tensor:
        return torch.linalg.solve_triangular(t, right, upper=upper, unitriangular=unit)

    def deviation() -> Tensor:
        triangle = t.triu(int(unit)) if upper else t.tril(-int(unit))
        triangle = triangle + torch.eye(t.shape[-1], dtype=t.dtype, device=t.device) if unit else triangle
        return substitution_variance(torch, triangle, solved(b), b, unit).sqrt()

    return solved(b + mode.absolute(torch.zeros_like(b), deviation))


def _solved(mode: NoiseMode, lu: Tensor, pivots: Tensor, b: Tensor, left: bool, adjoint: bool) -> Tensor:
    """X of A X = B, of X A = B where not ``left``, of the transposed A where ``adjoint``."""
    if not left:
        return _solved(mode, lu, pivots, b.mT, True, not adjoint).mT
    permuted, lower, upper = torch.lu_unpack(lu, pivots)
    if adjoint:
        middle = _substituted(mode, upper.mT, b, upper=False)
        return permuted @ _substituted(mode, lower.mT, middle, upper=True, unit=True)
    middle = _substituted(mode, lower, permuted.mT @ b, upper=False, unit=True)
    return _substituted(mode, upper, middle, upper=True)


@rule("linalg_lu_factor_ex")
def _lu_factor(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    _real(func, args[0])
    return _factors(mode, args[0])


@rule("linalg_lu")
def _lu(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    _real(func, args[0])
    return torch.lu_unpack(*_factors(mode, args[0])[:2])


@rule("_linalg_solve_ex")
def _solve(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    a, b = args[:2]
    _real(func, a, b)
    lu, pivots, info = _factors(mode, a)
    vector = b.dim() == 1 or (b.dim() == a.dim() - 1 and b.shape == a.shape[:-1])
    out = _solved(mode, lu, pivots, b.unsqueeze(-1) if vector else b, kwargs.get("left", True), False)
    return out.squeeze(-1) if vector else out, lu, pivots, info


@rule("linalg_inv_ex")
def _inverse(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    _real(func, args[0])
    lu, pivots, info = _factors(mode, args[0])
    return _solved(mode, lu, pivots, _identity(args[0]), True, False), info


def _identity(like: Tensor) -> Tensor:
    return torch.eye(like.shape[-1], dtype=like.dtype, device=like.device).expand(like.shape).clone()


@rule("linalg_lu_solve")
def _lu_solve(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    _real(func, args[0], args[2])
    lu, pivots, b = args
    return _solved(mode, lu, pivots, b, kwargs.get("left", True), kwargs.get("adjoint", False))


@rule("_linalg_det", "_linalg_slogdet")
def _determinant(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The product of the pivots, or the sum of their logarithms; of the transposed matrix, as in PyTorch."""
    a = args[0]
    _real(func, a)
    lu, pivots, _ = _factors(mode, a.mT if a.is_contiguous() else a)
    diagonal = lu.diagonal(dim1=-2, dim2=-1)
    swaps = (pivots != torch.arange(1, pivots.shape[-1] + 1, device=pivots.device)).sum(-1)
    turned = 1.0 - 2.0 * (swaps % 2).to(lu.dtype)
    with mode.inside():
        if "slog" in func._schema.name:
            return turned * diagonal.sign().prod(-1), diagonal.abs().log().sum(-1), lu, pivots
        return diagonal.prod(-1) * turned, lu, pivots


@rule("linalg_solve_triangular")
def _solve_triangular(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    named = {"left": True, "unitriangular": False, **given(func, args, kwargs)}
    t, b, upper, unit = named["self"], named["B"], named["upper"], named["unitriangular"]
    _real(func, t, b)
    if named["left"]:
        return _substituted(mode, t, b, upper, unit)
    return _substituted(mode, t.mT, b.mT, not upper, unit).mT


@rule("linalg_cholesky_ex")
def _cholesky(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    a, upper = args[0], kwargs.get("upper", False)
    _real(func, a)
    a = a.triu() + a.triu(1).mT if upper else a.tril() + a.tril(-1).mT

    def deviation() -> Tensor:
        return cholesky_variance(torch, a, torch.linalg.cholesky_ex(a).L).sqrt()

    errors = mode.absolute(torch.zeros_like(a), deviation).tril()
    lower, info = torch.linalg.cholesky_ex(a + errors + errors.tril(-1).mT)
    return lower.mT.contiguous() if upper else lower, info


@rule("cholesky_solve", "cholesky_inverse")
def _cholesky_solve(mode: NoiseMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """L Y = B, and L' X = Y."""
    named = {"upper": False, **given(func, args, kwargs)}
    inverse = "inverse" in func._schema.name
    factor: Tensor = named["self"] if inverse else args[1]
    _real(func, factor)
    lower = factor.mT if named["upper"] else factor
    right = _identity(factor) if inverse else named["self"]
    return _substituted(mode, lower.mT, _substituted(mode, lower, right, upper=False), upper=True)
