"""Losses by name and as functions, and what is no loss."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

from samestep.models.jax import from_function  # noqa: E402
from samestep.models.losses import NAMES  # noqa: E402
from samestep.models.subject import ModelError  # noqa: E402
from samestep.models.tensors import Role  # noqa: E402
from tests.models.jax.nets import asked, follow, key, names, normal, outside  # noqa: E402

LOGITS = normal(4, 5)
CLASSES, TARGETS = np.array([0, 4, 2, 2]), np.abs(normal(4, 5, seed=1)) % 1


def by_hand(name):
    z = LOGITS.astype(float)
    if name == "cross_entropy":
        return np.mean(np.log(np.sum(np.exp(z), 1)) - z[np.arange(4), CLASSES])
    if name == "binary_cross_entropy":
        return np.mean(np.log(1 + np.exp(z)) - z * TARGETS)
    return np.mean(np.abs(z - TARGETS) ** (1 if name == "l1" else 2))


@pytest.mark.parametrize("name", NAMES)
def test_named_losses_are_means_over_all_targets(name):
    subject = from_function(lambda x: (np.int32(1) + x.argmax(), x, 2 * x))
    targets = CLASSES if name == "cross_entropy" else TARGETS
    question = asked(LOGITS, loss=name, targets=targets)
    tensors = follow(subject, question)
    assert not outside({key(Role.LOSS): np.asarray(by_hand(name))}, subject.program(question))
    assert names(tensors, Role.LOSS) == [""]


def test_a_function_takes_outputs_and_targets():
    def loss(outputs, targets):
        return jnp.sum(outputs["y"] * targets)

    tensors = from_function(lambda x: {"y": 2 * x}).run(asked(LOGITS, loss=loss, targets=TARGETS))
    assert tensors[key(Role.INPUT_GRADIENT, "0")].tobytes() == (2 * TARGETS).tobytes()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("hinge", "no loss is called 'hinge': there are cross_entropy"),
        (lambda outputs, targets: outputs, r"the loss is float32\[4, 5\], not one"),
        (lambda outputs, targets: outputs["x"], "the loss raised"),
        ("cross_entropy", "the loss 'cross_entropy' needs targets"),
    ],
)
def test_what_is_no_loss_is_said(loss, message):
    with pytest.raises(ModelError, match=message):
        from_function(lambda x: 2 * x).run(asked(LOGITS, loss=loss))


def test_a_named_loss_needs_a_floating_output():
    with pytest.raises(ModelError, match="the loss 'mse' needs a floating output"):
        from_function(lambda x: x.argmax()).run(asked(LOGITS, loss="mse", targets=TARGETS))
