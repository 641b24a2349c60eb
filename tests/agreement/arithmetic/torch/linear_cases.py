"""Factorisations and solutions of linear systems that the rules are tried on."""

from __future__ import annotations

import torch

from tests.agreement.arithmetic.torch.operation_case import Case, normal, unary

solve, L = torch.linalg.solve, torch.linalg


def symmetric(count, n):
    """Positive definite matrices, none of them near a singular one."""

    def draw(generator):
        a = torch.randn(count, n, n, generator=generator)
        return a @ a.mT / n + 0.5 * torch.eye(n)

    return draw


def near_one(count, n):
    """Matrices that are none near a singular one, for which rows change places."""

    def draw(generator):
        rows = torch.randn(count, n, n, generator=generator) / n**0.5 + 2.5 * torch.eye(n)
        return rows[:, torch.randperm(n, generator=generator)]

    return draw


A, B = near_one(4, 20), normal(4, 20, 9)
LINEAR_CASES = [
    Case("solve", solve, (A, B)),
    Case("solve_vectors", solve, (near_one(30, 20), normal(30, 20))),
    Case("solve_right", lambda a, b: solve(a, b, left=False), (A, normal(4, 9, 20))),
    unary("inverse", A, L.inv),
    unary("inverse_large", near_one(1, 90), L.inv),
    unary("determinant", near_one(600, 5), L.det),
    unary("log_determinant", near_one(600, 5), torch.logdet),
    unary("lu", A, lambda a: L.lu(a)[1:]),
    Case("lu_solve", lambda a, b: L.lu_solve(*L.lu_factor(a), b, adjoint=True), (A, B)),
    Case("triangular",
         lambda a, b: L.solve_triangular(a + 3 * torch.eye(20, dtype=a.dtype), b, upper=True), (A, B)),
    Case("triangular_unit",
         lambda a, b: L.solve_triangular(a * 0.2, b, upper=False, unitriangular=True), (A, B)),
    unary("cholesky", symmetric(4, 20), L.cholesky),
    unary("cholesky_large", symmetric(1, 90), lambda a: L.cholesky(a, upper=True)),
    Case("cholesky_solve", lambda a, b: torch.cholesky_solve(b, L.cholesky(a)), (symmetric(4, 20), B)),
    unary("cholesky_inverse", symmetric(4, 20), lambda a: torch.cholesky_inverse(L.cholesky(a))),
]  # fmt: skip
