"""PyTorch: tensors, with a default dtype for floats."""

from __future__ import annotations

import numpy as np
import torch

from samestep.conventions.answers import OVER_HALF_WAY, or_word

ones = torch.ones(1)


def dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def float_default() -> str:
    return dtype(torch.tensor([1.5]))


def integer_default() -> str:
    return dtype(torch.tensor([1]))


def float64_asked_for() -> str:
    return dtype(torch.zeros(1, dtype=torch.float64))


def float32_times_float64_scalar() -> str:
    return dtype(ones * np.float64(0.1))


def float32_times_python_float() -> str:
    return dtype(ones * 0.1)


def int32_plus_float32() -> str:
    return dtype(torch.ones(1, dtype=torch.int32) + ones)


def int32_over_int32() -> str:
    return dtype(torch.ones(1, dtype=torch.int32) / torch.ones(1, dtype=torch.int32))


def uint8_over_255() -> str:
    return dtype(torch.ones(1, dtype=torch.uint8) / 255)


def uint8_plus_int8() -> str:
    return dtype(torch.ones(1, dtype=torch.uint8) + torch.ones(1, dtype=torch.int8))


def tf32_in_matmul() -> bool:
    return bool(torch.backends.cuda.matmul.allow_tf32)


def tf32_in_convolution() -> bool:
    return bool(torch.backends.cudnn.allow_tf32)


def denormal_times_one() -> torch.Tensor:
    return torch.ldexp(ones, torch.tensor(-130)) * ones > 0


def int32_overflow() -> torch.Tensor:
    return torch.tensor([2**31 - 1], dtype=torch.int32) + 1


def int32_sum() -> torch.Tensor:
    return torch.full((4,), 2**30, dtype=torch.int32).sum()


def uint8_sum() -> torch.Tensor:
    return torch.tensor([200, 100], dtype=torch.uint8).sum()


def integer_mean() -> torch.Tensor | str:
    return or_word("raises", RuntimeError, lambda: torch.tensor([1, 2]).mean())


def cast(value: float, dtype: torch.dtype) -> torch.Tensor:
    return torch.tensor([value]).to(dtype)[0]


def cast_300_to_uint8() -> torch.Tensor:
    return cast(300.0, torch.uint8)


def cast_minus_1_to_uint8() -> torch.Tensor:
    return cast(-1.0, torch.uint8)


def cast_3e9_to_int32() -> torch.Tensor:
    return cast(3e9, torch.int32)


def cast_nan_to_int32() -> torch.Tensor:
    return cast(torch.nan, torch.int32)


def cast_minus_1_5_to_int32() -> torch.Tensor:
    return cast(-1.5, torch.int32)


def cast_float64_to_float16() -> torch.Tensor:
    return torch.tensor([OVER_HALF_WAY], dtype=torch.float64).to(torch.float16)


def division_by_zero() -> torch.Tensor | str:
    return or_word("raises", RuntimeError, lambda: torch.tensor([1]) // torch.tensor([0]))


def remainder() -> torch.Tensor:
    return torch.tensor([-7]) % torch.tensor([3])


def floor_division() -> torch.Tensor:
    return torch.tensor([-7]) // torch.tensor([3])


def negative_power() -> torch.Tensor | str:
    return or_word("raises", RuntimeError, lambda: torch.tensor([2]) ** torch.tensor([-1]))


def round_half() -> torch.Tensor:
    return torch.round(torch.tensor([0.5, 1.5, 2.5]))


def argmax_with_nan() -> torch.Tensor:
    return torch.argmax(torch.tensor([1, torch.nan, 3]))


def max_with_nan() -> torch.Tensor:
    return torch.max(torch.tensor([1, torch.nan, 3]))


def maximum_with_nan() -> torch.Tensor:
    return torch.maximum(torch.tensor(torch.nan), torch.tensor(1.0))


def relu_of_nan_forward() -> torch.Tensor:
    return torch.relu(torch.tensor(torch.nan))


def sign_of_nan() -> torch.Tensor:
    return torch.sign(torch.tensor(torch.nan))


def sort_with_nan() -> torch.Tensor:
    return torch.sort(torch.tensor([torch.nan, 1, 3])).values


def argmax_of_ties() -> torch.Tensor:
    return torch.argmax(torch.tensor([1, 3, 3]))


def one_hot_too_large() -> torch.Tensor | str:
    return or_word("raises", RuntimeError, lambda: torch.nn.functional.one_hot(torch.tensor(3), 3))


def uniform_of_seed_0() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(2)


def std() -> torch.Tensor:
    return torch.std(torch.tensor([0.0, 2.0]))


def median_of_even() -> torch.Tensor:
    return torch.median(torch.tensor([1.0, 2.0]))


def max_of_nothing() -> torch.Tensor | str:
    return or_word("raises", RuntimeError, lambda: torch.max(torch.zeros(0)))


def mean_of_nothing() -> torch.Tensor:
    return torch.mean(torch.zeros(0))


def index_too_large() -> torch.Tensor | str:
    return or_word("raises", IndexError, lambda: torch.arange(3)[5])


def take_too_large() -> torch.Tensor | str:
    return or_word("raises", IndexError, lambda: torch.take(torch.arange(3), torch.tensor([5])))


def write_too_large() -> torch.Tensor | str:
    x = torch.zeros(3)

    def write() -> torch.Tensor:
        x[5] = 1
        return x

    return or_word("raises", IndexError, write)


def add_at_repeated() -> torch.Tensor:
    x = torch.zeros(1)
    x[[0, 0]] += 1
    return x[0]
