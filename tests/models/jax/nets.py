"""Small JAX networks, what is asked of them, and how their answers are judged."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from samestep.agreement.limits import elementwise_limit
from samestep.models.jax import JaxSubject
from samestep.models.jax.tags import tag
from samestep.models.question import Question
from samestep.models.tensors import Role, TensorKey, Tensors

REPLICAS = 12


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal numbers in float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def asked(*inputs: np.ndarray, **options: object) -> Question:
    """A question with inputs by position."""
    return Question(inputs, **options)  # type: ignore[arg-type]


def names(tensors: Tensors, role: Role) -> list[str]:
    """The names of the tensors of one role, in their order."""
    return [key.name for key in tensors if key.role is role]


def same(one: Tensors, other: Tensors) -> bool:
    """Whether two runs have the same tensors in the same order, bit for bit."""
    return list(one) == list(other) and all(one[key].tobytes() == other[key].tobytes() for key in one)


def outside(got: Mapping[TensorKey, np.ndarray], program: object) -> list[str]:
    """The tensors of ``got`` that are further from a program's exact ones than float32 may be."""
    exact = program.exact()  # type: ignore[attr-defined]
    replicas = [program.replica(seed) for seed in range(REPLICAS)]  # type: ignore[attr-defined]
    wrong = []
    for key, value in got.items():
        assert value.shape == exact[key].shape
        errors = [replica[key].astype(float) - exact[key] for replica in replicas]
        sigma = np.sqrt(np.mean(np.square(errors), axis=0))
        sigma = np.maximum(sigma, np.sqrt(np.mean(sigma**2)) / 4)
        if not np.all(np.abs(value.astype(float) - exact[key]) <= elementwise_limit(REPLICAS) * sigma):
            wrong.append(str(key))
    return wrong


def follow(subject: JaxSubject, question: Question) -> Tensors:
    """The tensors of a run, which the engine gives as well, in the same order, within its limits."""
    tensors, program = subject.run(question), subject.program(question)
    assert list(program.exact()) == list(tensors)
    assert not outside(tensors, program)
    return tensors


def mlp_params() -> dict[str, object]:
    return {"first": {"w": normal(4, 8), "b": normal(8, seed=1)}, "second": [normal(8, 3, seed=2)]}


def mlp(params, x):
    """Two linear layers and a tanh."""
    h = tag(jnp.tanh(x @ params["first"]["w"] + params["first"]["b"]), "hidden")
    return h @ params["second"][0]


def cnn_params() -> tuple[dict[str, object], dict[str, object]]:
    params = {"kernel": normal(3, 3, 3, 4) / 5, "scale": np.ones(4, np.float32), "head": normal(4, 5, seed=1)}
    return params, {"mean": np.zeros(4, np.float32), "count": np.int32(0)}


def cnn(params, state, images):
    """A convolution, a batch norm that keeps its means, and a pooling."""
    layout = ("NHWC", "HWIO", "NHWC")
    h = jax.lax.conv_general_dilated(images, params["kernel"], (1, 1), "SAME", dimension_numbers=layout)
    mean, variance = h.mean((0, 1, 2)), h.var((0, 1, 2))
    h = jax.nn.relu((h - mean) / jnp.sqrt(variance + 1e-5) * params["scale"])
    new = {"mean": 0.9 * state["mean"] + 0.1 * mean, "count": state["count"] + 1}
    return {"logits": h.mean((1, 2)) @ params["head"], "features": (h[:, 0, 0], h.argmax(-1))}, new


def gpt_params() -> dict[str, np.ndarray]:
    return {"embed": normal(11, 8), "qkv": normal(3, 8, 24, seed=1) / 3, "out": normal(3, 8, 8, seed=2) / 3}


def gpt(params, tokens, remat=False):
    """Three blocks of causal attention in a scan, with tied weights."""

    def block(h, weights):
        qkv, out = weights
        normed = (h - h.mean(-1, keepdims=True)) * jax.lax.rsqrt(h.var(-1, keepdims=True) + 1e-5)
        q, k, v = jnp.split(tag(normed, "norm") @ qkv, 3, axis=-1)
        scores = jnp.where(jnp.tril(jnp.ones((h.shape[1],) * 2, bool)), q @ k.mT / jnp.sqrt(8.0), -jnp.inf)
        return tag(h + jax.nn.softmax(scores) @ v @ out, "block"), None

    step = jax.checkpoint(block) if remat else block
    h, _ = jax.lax.scan(step, params["embed"][tokens], (params["qkv"], params["out"]))
    return h @ params["embed"].T


def tokens() -> np.ndarray:
    return np.arange(10).reshape(2, 5) % 7


def key(role: Role, name: str = "") -> TensorKey:
    return TensorKey(role, name)
