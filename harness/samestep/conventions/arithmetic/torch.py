"""PyTorch: tensors of a default dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from samestep.conventions.answers import OVER_HALF_WAY, or_word

ones = torch.ones(1)


def dtype(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def float_default() -> Any:
    return dtype(torch.tensor([1.5]))


def integer_default() -> Any:
    return dtype(torch.tensor([1]))


def float64_asked_for() -> Any:
    return dtype(torch.zeros(1, dtype=torch.float64))


def float32_times_float64_scalar() -> Any:
    return dtype(ones * np.float64(0.1))


def float32_times_python_float() -> Any:
    return dtype(ones * 0.1)


def int32_plus_float32() -> Any:
    return dtype(torch.ones(1, dtype=torch.int32) + ones)


def int32_over_int32() -> Any:
    return dtype(torch.ones(1, dtype=torch.int32) / torch.ones(1, dtype=torch.int32))


def uint8_over_255() -> Any:
    return dtype(torch.ones(1, dtype=torch.uint8) / 255)


def uint8_plus_int8() -> Any:
    return dtype(torch.ones(1, dtype=torch.uint8) + torch.ones(1, dtype=torch.int8))


def tf32_in_matmul() -> Any:
    return torch.backends.cuda.matmul.allow_tf32


def tf32_in_convolution() -> Any:
    return torch.backends.cudnn.allow_tf32


def denormal_times_one() -> Any:
    return torch.ldexp(ones, torch.tensor(-130)) * ones > 0


def int32_overflow() -> Any:
    return torch.tensor([2**31 - 1], dtype=torch.int32) + 1


def int32_sum() -> Any:
    return torch.full((4,), 2**30, dtype=torch.int32).sum()


def uint8_sum() -> Any:
    return torch.tensor([200, 100], dtype=torch.uint8).sum()


def integer_mean() -> Any:
    return or_word("raises", RuntimeError, lambda: torch.tensor([1, 2]).mean())


def cast(value: float, dtype: Any) -> Any:
    return torch.tensor([value]).to(dtype)[0]


def cast_300_to_uint8() -> Any:
    return cast(300.0, torch.uint8)


def cast_minus_1_to_uint8() -> Any:
    return cast(-1.0, torch.uint8)


def cast_3e9_to_int32() -> Any:
    return cast(3e9, torch.int32)


def cast_nan_to_int32() -> Any:
    return cast(torch.nan, torch.int32)


def cast_minus_1_5_to_int32() -> Any:
    return cast(-1.5, torch.int32)


def cast_float64_to_float16() -> Any:
    return torch.tensor([OVER_HALF_WAY], dtype=torch.float64).to(torch.float16)


def division_by_zero() -> Any:
    return or_word("raises", RuntimeError, lambda: torch.tensor([1]) // torch.tensor([0]))


def remainder() -> Any:
    return torch.tensor([-7]) % torch.tensor([3])


def floor_division() -> Any:
    return torch.tensor([-7]) // torch.tensor([3])


def negative_power() -> Any:
    return or_word("raises", RuntimeError, lambda: torch.tensor([2]) ** torch.tensor([-1]))


def round_half() -> Any:
    return torch.round(torch.tensor([0.5, 1.5, 2.5]))


def argmax_with_nan() -> Any:
    return torch.argmax(torch.tensor([1, torch.nan, 3]))


def max_with_nan() -> Any:
    return torch.max(torch.tensor([1, torch.nan, 3]))


def maximum_with_nan() -> Any:
    return torch.maximum(torch.tensor(torch.nan), torch.tensor(1.0))


def relu_of_nan_forward() -> Any:
    return torch.relu(torch.tensor(torch.nan))


def sign_of_nan() -> Any:
    return torch.sign(torch.tensor(torch.nan))


def sort_with_nan() -> Any:
    return torch.sort(torch.tensor([torch.nan, 1, 3])).values


def argmax_of_ties() -> Any:
    return torch.argmax(torch.tensor([1, 3, 3]))


def std() -> Any:
    return torch.std(torch.tensor([0.0, 2.0]))


def median_of_even() -> Any:
    return torch.median(torch.tensor([1.0, 2.0]))


def max_of_nothing() -> Any:
    return or_word("raises", RuntimeError, lambda: torch.max(torch.zeros(0)))


def mean_of_nothing() -> Any:
    return torch.mean(torch.zeros(0))


def index_too_large() -> Any:
    return or_word("raises", IndexError, lambda: torch.arange(3)[5])


def take_too_large() -> Any:
    return or_word("raises", IndexError, lambda: torch.take(torch.arange(3), torch.tensor([5])))


def write_too_large() -> Any:
    x = torch.zeros(3)

    def write() -> Any:
        x[5] = 1
        return x

    return or_word("raises", IndexError, write)


def add_at_repeated() -> Any:
    x = torch.zeros(1)
    x[[0, 0]] += 1
    return x[0]
