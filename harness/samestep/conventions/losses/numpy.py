"""NumPy: losses written out, as the references write them."""

from __future__ import annotations

import numpy as np

from samestep.conventions.answers import or_word


def log_softmax(logits: list[float]) -> np.ndarray:
    """Return the logarithms of the class probabilities, shape (classes,)."""
    shifted = np.array(logits) - np.max(logits)
    result: np.ndarray = shifted - np.log(np.exp(shifted).sum())
    return result


def softmax(logits: list[float]) -> np.ndarray:
    """Return the class probabilities, shape (classes,)."""
    result: np.ndarray = np.exp(log_softmax(logits))
    return result


def cross_entropy(logits: list[float], label: int) -> float:
    return float(-log_softmax(logits)[label])


def bce_at_0() -> float:
    return float(-np.log(0.0))


def bce_with_logits_at_1000() -> float:
    return float(np.logaddexp(0, 1000.0))


def log_softmax_of_large() -> np.ndarray:
    return log_softmax([1000.0, 0.0])


def log_of_softmax_of_large() -> np.ndarray:
    result: np.ndarray = np.log(softmax([1000.0, 0.0]))
    return result


def softmax_of_nothing() -> np.ndarray:
    return softmax([-np.inf, -np.inf])


def cross_entropy_with_minus_inf() -> float:
    return cross_entropy([0.0, -np.inf], 0)


def cross_entropy_with_minus_inf_one_hot() -> float:
    return float(-(np.array([1.0, 0.0]) * log_softmax([0.0, -np.inf])).sum())


def label_too_large() -> float | str:
    return or_word("raises", IndexError, lambda: cross_entropy([0.0, 1.0, 2.0], 3))


def label_minus_1() -> float | str:
    return or_word("raises", IndexError, lambda: cross_entropy([0.0, 1.0, 2.0], -1))


def label_minus_100() -> float | str:
    return or_word("raises", IndexError, lambda: cross_entropy([0.0, 1.0, 2.0], -100))
