"""SymPy: derivatives are formulas, found by rules for formulas, and lambdify turns them into NumPy code."""

from functools import cache

import sympy as sp

READ_AFTER = "numpy_manual"

# A formula has no memory that could be changed behind its back, and nothing that gradients could be added to,
# so hidden_change and accumulate are not here.


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@cache
def compiled():
    """Each task as a NumPy function of whole arrays; derived once."""
    x, v, m, a, c, t, u = sp.symbols("x v m a c t u")
    y = (x + 1) ** 3 + 2
    stopped = a**2 + c  # c is what is taken for a constant
    outer, inner = 5 * sp.sin(u), t**3 + 5
    wave = outer.subs(u, inner)
    by_parts = (outer.diff(u) * inner.diff(t)).subs(u, inner)
    return {
        "vector_jacobian": sp.lambdify((x, v), (y, v * y.diff(x)), "numpy"),
        "of_ones": sp.lambdify(m, (m**2, (m**2).diff(m)), "numpy"),
        "stop_gradient": sp.lambdify((a, c), (stopped, stopped.diff(a)), "numpy"),
        "chain_rule": sp.lambdify(t, (wave, wave.diff(t), by_parts), "numpy"),
    }


def vector_jacobian(state, x, v):
    y, grad_x = compiled()["vector_jacobian"](x, v.reshape(x.shape))
    return y.reshape(v.shape), grad_x


def of_ones(state, m):
    return compiled()["of_ones"](m)


def stop_gradient(state, a):
    return compiled()["stop_gradient"](a, a**3)


def chain_rule(state, t):
    return compiled()["chain_rule"](t)
