"""JAX: vjp gives a function's value, and another function that takes a gradient back through it."""

import jax
import jax.numpy as jnp

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@jax.jit
def vector_jacobian(state, x, v):
    y, back = jax.vjp(lambda x: (x.reshape(v.shape) + 1) ** 3 + 2, x)
    (grad_x,) = back(v)
    return y, grad_x


@jax.jit
def of_ones(state, m):
    m_squared, back = jax.vjp(lambda m: m**2, m)
    (grad_m,) = back(jnp.ones_like(m))
    return m_squared, grad_m


@jax.jit
def stop_gradient(state, a):
    stopped, back = jax.vjp(lambda a: a**2 + jax.lax.stop_gradient(a**3), a)
    (grad_stopped,) = back(jnp.ones_like(a))
    return stopped, grad_stopped


@jax.jit
def hidden_change(state, a):
    doubled, back = jax.vjp(lambda a: 2 * a, a)
    a = 100 * a  # another array under the old name: what back knows cannot be changed
    (grad_doubled,) = back(jnp.ones_like(a))
    return doubled, a, grad_doubled


@jax.jit
def accumulate(state, b):
    gradient = jax.grad(lambda b: (3 * b**2).sum())  # it adds to nothing: who wants a sum writes one
    grad_once = gradient(b)
    grad_twice = grad_once + gradient(b)
    grad_afresh = gradient(b)
    return grad_once, grad_twice, grad_afresh


@jax.jit
def chain_rule(state, t):
    u, back_to_t = jax.vjp(lambda t: t**3 + 5, t)
    wave, back_to_u = jax.vjp(lambda u: 5 * jnp.sin(u), u)
    grad_wave = jax.grad(lambda t: (5 * jnp.sin(t**3 + 5)).sum())(t)
    # By parts: the gradient of u, handed on to t
    (grad_u,) = back_to_u(jnp.ones_like(wave))
    (grad_by_parts,) = back_to_t(grad_u)
    return wave, grad_wave, grad_by_parts
