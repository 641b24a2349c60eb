"""JAX: grad gives the derivative of a function of one number, vmap takes it to every element of an array."""

import jax
import jax.numpy as jnp

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@jax.jit
def forward(state, x):
    relu = jax.nn.relu(x)  # its derivative at 0 is 0; that of jnp.maximum(x, 0) is 1/2
    sigmoid = jax.nn.sigmoid(x)
    tanh = jnp.tanh(x)
    return relu, sigmoid, tanh


@jax.jit
def derivatives(state, x):
    grad_relu = jax.vmap(jax.grad(jax.nn.relu))(x)
    grad_sigmoid = jax.vmap(jax.grad(jax.nn.sigmoid))(x)
    grad_tanh = jax.vmap(jax.grad(jnp.tanh))(x)
    return grad_relu, grad_sigmoid, grad_tanh
