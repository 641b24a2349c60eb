"""Port files that tests check and time."""

from __future__ import annotations

#: A loop and two ports of it, in NumPy: one is right, the other has another bias.
IN_NUMPY = '''"""A layer of 3 units, and its ports."""
import samestep


def inputs(rng):
    return {"x": rng.standard_normal((4, 5)), "flip": rng.integers(0, 2, 4)}


@samestep.reference
def loop():
    import numpy as np

    rng = np.random.default_rng(0)

    def model(w, x, flip):
        rows = [row @ w["w"] + w["b"] for row in x]
        return np.stack([row * sign for row, sign in zip(rows, np.float32(1 - 2 * flip))])

    return samestep.Model(model, {"w": rng.standard_normal((5, 3)), "b": np.ones(3)})


@samestep.candidate
def right(w):
    import numpy as np

    return samestep.Model(lambda w, x, flip: (x @ w["w"] + w["b"]) * np.float32(1 - 2 * flip)[:, None], w)


@samestep.candidate(name="no-bias")
def wrong(w):
    import numpy as np

    return samestep.Model(lambda w, x, flip: (x @ w["w"]) * np.float32(1 - 2 * flip)[:, None], w)
'''

#: A PyTorch module with a loss, and its ports to JAX: right, wrong, with another layout of its parameters.
TORCH_TO_JAX = '''"""Two layers."""
import samestep


def inputs(rng):
    return (rng.standard_normal((4, 5)),)


def targets(rng):
    return rng.integers(0, 3, 4)


loss = "cross_entropy"


def convert(params):
    return {"w": params["0.weight"].T, "b": params["0.bias"]}


def sgd():
    import torch
    return lambda parameters: torch.optim.SGD(parameters, lr=0.1)


@samestep.reference(optimizer=sgd)
def pytorch():
    import torch
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.Tanh())


def pair():
    return lambda params: (), lambda grads, state, params: ({name: -0.1 * g for name, g in grads.items()}, ())


@samestep.candidate(optimizer=pair)
def converted():
    import jax.numpy as jnp
    return samestep.Model(
        lambda w, x: jnp.tanh(x @ w["w"] + w["b"]), {"w": jnp.zeros((5, 3)), "b": jnp.zeros(3)}
    )


@samestep.candidate(optimizer=pair, convert=dict)
def given(params):
    import jax.numpy as jnp
    return samestep.Model(lambda w, x: jnp.tanh(x @ w["0.weight"].T + w["0.bias"]), params)


@samestep.candidate(optimizer=pair, convert=dict)
def sine(params):
    import jax.numpy as jnp
    return samestep.Model(lambda w, x: jnp.sin(x @ w["0.weight"].T + w["0.bias"]), params)
'''
