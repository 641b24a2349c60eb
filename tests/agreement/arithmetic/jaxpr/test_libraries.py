"""What users call: all of `jax.nn`, optax's optimisers, and layers of Equinox, against their real float32."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("jax")

import jax
import jax.numpy as jnp

from samestep.agreement.arithmetic.jaxpr.program import JaxProgram
from tests.agreement.arithmetic.jaxpr.judge import assert_honest, real

RNG = np.random.default_rng(11)
X = (3 * RNG.standard_normal((40, 24))).astype(np.float32)
#: Names in `jax.nn` that are no functions of one array, or are tested by themselves.
OTHERS = {
    "dot_product_attention", "one_hot", "logsumexp", "logmeanexp", "scaled_matmul", "scaled_dot_general",
    "get_scaled_dot_general_config", "initializers",
}  # fmt: skip
ACTIVATIONS = [name for name in dir(jax.nn) if name[0] != "_" and name not in OTHERS]
OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop", "adafactor", "lion")
MORE_OPTIMIZERS = ("adagrad", "lamb", "nadam", "radam", "adabelief", "yogi", "novograd", "lars", "adadelta",
                   "amsgrad", "fromage", "sm3", "adamax", "optimistic_gradient_descent")  # fmt: skip
#: Activations that only choose or move values.
EXACT = {"relu", "relu6", "hard_tanh", "identity"}


def with_gradient(function):
    """A function's value and its vector-Jacobian product by a fixed cotangent."""

    def both(x):
        value, pull = jax.vjp(function, x)
        (gradient,) = pull(jnp.cos(jnp.arange(value.size, dtype=jnp.float32)).reshape(value.shape))
        return {"value": value, "gradient": gradient}

    return both


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_forward_and_backward(name):
    function = with_gradient(getattr(jax.nn, name))
    assert_honest(JaxProgram(function, (X,)), real(function, X), rounds=name not in EXACT)


def test_attention():
    q = RNG.standard_normal((3, 2, 9, 2, 8)).astype(np.float32)
    function = with_gradient(lambda q: jax.nn.dot_product_attention(q[0], q[1], q[2], is_causal=True))
    assert_honest(JaxProgram(function, (q,)), real(function, q))


@pytest.mark.parametrize(
    "name", [*OPTIMIZERS, *(pytest.param(name, marks=pytest.mark.slow) for name in MORE_OPTIMIZERS)]
)
def test_three_steps_of_an_optimizer(name):
    optax = pytest.importorskip("optax")
    optimizer = getattr(optax, name)(1e-2)
    params = {"w": X[:24], "b": X[30]}
    gradients = [{"w": np.float32(X[k : 24 + k] / 9), "b": X[k]} for k in (1, 2, 3)]

    def steps(params, state, gradients):
        for gradient in gradients:
            updates, state = optimizer.update(gradient, state, params)
            params = optax.apply_updates(params, updates)
        return dict(params)

    args = (params, optimizer.init(params), gradients)
    assert_honest(JaxProgram(steps, args), real(steps, *args))


KEY = jax.random.key(5)
RANDOM = {
    "normal": lambda key: jax.random.normal(key, (500,)),
    "truncated_normal": lambda key: jax.random.truncated_normal(key, -1.0, 2.0, (500,)),
    "uniform": lambda key: jax.random.uniform(key, (500,), minval=-3.0, maxval=0.3),
    "gumbel": lambda key: jax.random.gumbel(key, (500,)),
    "exponential": lambda key: jax.random.exponential(key, (500,)),
    "laplace": lambda key: jax.random.laplace(key, (500,)),
    "logistic": lambda key: jax.random.logistic(key, (500,)),
    "cauchy": lambda key: jax.random.cauchy(key, (500,)),
    "choice": lambda key: jax.random.choice(key, X[0], (500,), replace=True, p=jnp.arange(24) / 276) * 1.7,
    "randint": lambda key: jax.random.randint(key, (500,), 0, 99) * 0.3,
    "split": lambda key: jax.vmap(lambda k: jax.random.normal(k, (50,)))(jax.random.split(key, 9)),
    "fold_in": lambda key: jax.random.normal(jax.random.fold_in(key, 3), (500,)),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(RANDOM))
def test_random_numbers_are_the_ones_of_the_key(name):
    def function(key):
        return {"drawn": RANDOM[name](key)}

    program = JaxProgram(function, (KEY,))
    assert_honest(program, real(function, KEY))
    assert "random" in {finding.kind for finding in program.findings}


IMAGE, ROW, SEED = X[:, :16].reshape(5, 8, 16), X[0], jax.random.key(0)
LAYERS = {
    "MLP": (lambda nn: nn.MLP(24, 5, 16, 2, key=SEED), ROW),
    "Conv2d": (lambda nn: nn.Conv2d(5, 6, 3, stride=2, padding="SAME", key=SEED), IMAGE),
    "ConvTranspose2d": (lambda nn: nn.ConvTranspose2d(5, 6, 3, stride=2, key=SEED), IMAGE),
    "LayerNorm": (lambda nn: nn.LayerNorm(24), ROW),
    "GroupNorm": (lambda nn: nn.GroupNorm(5, 5), IMAGE),
    "RMSNorm": (lambda nn: nn.RMSNorm(24), ROW),
    "AdaptiveAvgPool2d": (lambda nn: nn.AdaptiveAvgPool2d(3), IMAGE),
    "AvgPool2d": (lambda nn: nn.AvgPool2d(2, 2), IMAGE),
    "MaxPool2d": (lambda nn: nn.MaxPool2d(3, 2), IMAGE),
    "PReLU": (lambda nn: nn.PReLU(), ROW),
    "RotaryPositionalEmbedding": (lambda nn: nn.RotaryPositionalEmbedding(24), X),
}


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_layers_of_equinox(name):
    make, x = LAYERS[name]
    function = with_gradient(make(pytest.importorskip("equinox").nn))
    assert_honest(JaxProgram(function, (x,)), real(function, x), rounds=name != "MaxPool2d")
