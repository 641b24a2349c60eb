"""The named losses, and losses of the user's own."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402

from samestep.models import losses  # noqa: E402
from samestep.models.tensors import Role, TensorKey  # noqa: E402
from samestep.models.torch import from_function  # noqa: E402
from samestep.models.torch.losses import LOSSES  # noqa: E402
from tests.models.torch.networks import asked, normal  # noqa: E402

LOGITS = normal(2, 3, 5)
CLASSES = np.array([[0, 4, 1], [2, 2, 3]], np.int32)
KEY = TensorKey(Role.LOSS, "")


def test_every_named_loss_is_there():
    assert set(LOSSES) == set(losses.NAMES)


def test_classes_stand_last():
    tensors = from_function(lambda x: (x, x * 2)).run(asked(LOGITS, loss="cross_entropy", targets=CLASSES))
    expected = functional.cross_entropy(
        torch.tensor(LOGITS).reshape(6, 5), torch.tensor(CLASSES).reshape(6).long()
    )
    assert tensors[KEY] == expected.numpy()
    assert tensors[KEY].shape == ()
    gradient = tensors[TensorKey(Role.INPUT_GRADIENT, "0")]
    chosen = np.take_along_axis(gradient, CLASSES[..., None].astype(int), -1)
    assert (chosen < 0).all()
    assert (gradient > 0).sum() == gradient.size - chosen.size


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("mse", functional.mse_loss),
        ("l1", functional.l1_loss),
        ("binary_cross_entropy", functional.binary_cross_entropy_with_logits),
    ],
)
def test_elementwise_losses_are_means(name, function):
    targets = (normal(2, 3, 5, seed=1) > 0).astype(np.float32)
    tensors = from_function(torch.sin).run(asked(LOGITS, loss=name, targets=targets))
    assert tensors[KEY] == function(torch.tensor(LOGITS).sin(), torch.tensor(targets)).numpy()


def test_a_loss_of_ones_own_is_given_what_the_model_returns():
    loss = lambda outputs, targets: (outputs["y"] * targets).sum().reshape(1)  # noqa: E731
    targets = normal(2, 3, 5, seed=1)
    tensors = from_function(lambda x: {"y": x}).run(asked(LOGITS, loss=loss, targets=targets))
    assert tensors[KEY].shape == ()
    assert np.array_equal(tensors[TensorKey(Role.INPUT_GRADIENT, "0")], targets)
