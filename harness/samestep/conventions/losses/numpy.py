"""NumPy: losses written out, as the references write them."""

from __future__ import annotations

from typing import Any

import numpy as np

from samestep.conventions.answers import or_word


def log_softmax(logits: Any) -> Any:
    shifted = np.array(logits) - np.max(logits)
    return shifted - np.log(np.exp(shifted).sum())


def cross_entropy(logits: Any, label: int) -> Any:
    return -log_softmax(logits)[label]


def bce_at_0() -> Any:
    return -np.log(0.0)


def bce_with_logits_at_1000() -> Any:
    return np.logaddexp(0, 1000.0)


def log_softmax_of_large() -> Any:
    return log_softmax([1000.0, 0.0])


def log_of_softmax_of_large() -> Any:
    return np.log(np.exp(log_softmax([1000.0, 0.0])))


def softmax_of_nothing() -> Any:
    return np.exp(log_softmax([-np.inf, -np.inf]))


def cross_entropy_with_minus_inf() -> Any:
    return cross_entropy([0.0, -np.inf], 0)


def cross_entropy_with_minus_inf_one_hot() -> Any:
    return -(np.array([1.0, 0.0]) * log_softmax([0.0, -np.inf])).sum()


def label_too_large() -> Any:
    return or_word("raises", IndexError, lambda: cross_entropy([0.0, 1.0, 2.0], 3))


def label_minus_1() -> Any:
    return or_word("raises", IndexError, lambda: cross_entropy([0.0, 1.0, 2.0], -1))


def label_minus_100() -> Any:
    return or_word("raises", IndexError, lambda: cross_entropy([0.0, 1.0, 2.0], -100))
