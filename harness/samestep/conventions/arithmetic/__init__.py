"""Arithmetic: types, precision, overflow, casts, NaN, indices."""

from __future__ import annotations

from samestep.conventions.questions import Question

TITLE = "Arithmetic"
NOTE = "For TF32 the setting after the import is read; nothing is computed on a GPU."

NUMPY_PROMOTION = "https://numpy.org/neps/nep-0050-scalar-promotion.html"
NUMPY_CASTS = "https://github.com/numpy/numpy/issues/24033"
TORCH_TYPES = "https://docs.pytorch.org/docs/stable/tensor_attributes.html"
TORCH_STD = "https://docs.pytorch.org/docs/stable/generated/torch.std.html"
TORCH_MEDIAN = "https://docs.pytorch.org/docs/stable/generated/torch.median.html"
TORCH_TF32 = "https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html"
TENSORFLOW_TF32 = (
    "https://www.tensorflow.org/api_docs/python/tf/config/experimental/enable_tensor_float_32_execution"
)
TENSORFLOW_MEAN = "https://www.tensorflow.org/api_docs/python/tf/math/reduce_mean"
TENSORFLOW_SCATTER = "https://www.tensorflow.org/api_docs/python/tf/tensor_scatter_nd_add"
JAX_PROMOTION = "https://docs.jax.dev/en/latest/type_promotion.html"
JAX_SHARP_BITS = "https://docs.jax.dev/en/latest/notebooks/Common_Gotchas_in_JAX.html"
JAX_CASTS = "https://github.com/jax-ml/jax/issues/10005"
JAX_AT = "https://docs.jax.dev/en/latest/_autosummary/jax.Array.at.html"
JAX_TAKE = "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.take.html"

TYPES = {"numpy": NUMPY_PROMOTION, "torch": TORCH_TYPES, "jax": JAX_PROMOTION}
CASTS = {"jax": JAX_CASTS, "numpy": NUMPY_CASTS}
SUBNORMAL = {
    "tensorflow": "https://github.com/tensorflow/tensorflow/issues/127905",
    "torch": "https://docs.pytorch.org/docs/stable/generated/torch.set_flush_denormal.html",
}

QUESTIONS = (
    Question("float_default", "type of an array of 1.5", {"jax": JAX_SHARP_BITS}),
    Question("integer_default", "type of an array of 1", {"jax": JAX_SHARP_BITS}),
    Question("float64_asked_for", "type of zeros, float64 requested", {"jax": JAX_SHARP_BITS}),
    Question("float32_times_float64_scalar", "float32 * np.float64(0.1)", TYPES),
    Question("float32_times_python_float", "float32 * 0.1", TYPES),
    Question("int32_plus_float32", "int32 + float32", TYPES),
    Question("int32_over_int32", "int32 / int32", TYPES),
    Question("uint8_over_255", "uint8 / 255", TYPES),
    Question("uint8_plus_int8", "uint8 + int8", TYPES),
    Question("tf32_in_matmul", "TF32 in matmul", {"torch": TORCH_TF32, "tensorflow": TENSORFLOW_TF32}),
    Question(
        "tf32_in_convolution", "TF32 in convolution", {"torch": TORCH_TF32, "tensorflow": TENSORFLOW_TF32}
    ),
    Question("denormal_times_one", "2^-130 * 1 > 0 in float32", SUBNORMAL),
    Question("int32_overflow", "int32: 2^31 - 1 + 1"),
    Question("int32_sum", "int32: sum of four 2^30"),
    Question("uint8_sum", "uint8: sum of 200, 100"),
    Question("integer_mean", "mean of the integers 1, 2", {"tensorflow": TENSORFLOW_MEAN}),
    Question("cast_300_to_uint8", "300.0 to uint8", CASTS, processor=True),
    Question("cast_minus_1_to_uint8", "-1.0 to uint8", CASTS, processor=True),
    Question("cast_3e9_to_int32", "3e9 to int32", CASTS, processor=True),
    Question("cast_nan_to_int32", "nan to int32", CASTS, processor=True),
    Question(
        "cast_minus_1_5_to_int32", "-1.5 to int32", convention="cast to an integer", means={"towards 0": -1}
    ),
    Question(
        "cast_float64_to_float16",
        "float64 just over 1 + 2^-11 to float16",
        convention="cast of float64 to float16",
        means={"by way of float32": 1.0},
    ),
    Question("division_by_zero", "integers: 1 // 0"),
    Question("remainder", "integers: -7 % 3"),
    Question("floor_division", "integers: -7 // 3"),
    Question("negative_power", "integers: 2 ** -1"),
    Question("round_half", "round(0.5, 1.5, 2.5)"),
    Question("argmax_with_nan", "argmax(1, nan, 3)", {"jax": "https://github.com/jax-ml/jax/issues/4640"}),
    Question(
        "max_with_nan",
        "max(1, nan, 3)",
        {"tensorflow": "https://github.com/tensorflow/tensorflow/issues/13046"},
    ),
    Question("maximum_with_nan", "maximum(nan, 1)"),
    Question("relu_of_nan_forward", "relu(nan)"),
    Question("sign_of_nan", "sign(nan)"),
    Question("sort_with_nan", "sort(nan, 1, 3)"),
    Question(
        "argmax_of_ties",
        "argmax(1, 3, 3)",
        convention="the place of the largest",
        means={"the first of equals": 1},
    ),
    Question(
        "one_hot_too_large",
        "one_hot(3) of 3 classes",
        symptoms=("labels out of range", "one-hot of a label that is too large", "padding label -1"),
    ),
    Question(
        "uniform_of_seed_0",
        "two uniform numbers of seed 0",
        symptoms=("the same seed gives other random numbers", "dropout masks, initial weights differ"),
    ),
    Question(
        "uniform_not_partitionable",
        "two of seed 0, threefry not partitionable",
        {"jax": "https://docs.jax.dev/en/latest/jep/9263-typed-keys.html"},
        symptoms=("random numbers changed with JAX 0.5", "jax_threefry_partitionable"),
    ),
    Question(
        "std",
        "std(0, 2)",
        {"torch": TORCH_STD},
        convention="std",
        means={"divides by n - 1": 2**0.5},
        symptoms=(
            "standard deviation or variance differs by a constant factor",
            "unbiased, correction, ddof",
        ),
    ),
    Question("median_of_even", "median(1, 2)", {"torch": TORCH_MEDIAN}),
    Question("max_of_nothing", "max of an empty array"),
    Question("mean_of_nothing", "mean of an empty array"),
    Question("index_too_large", "(0, 1, 2)[5]", {"jax": JAX_SHARP_BITS}),
    Question("take_too_large", "take(5) of (0, 1, 2)", {"jax": JAX_TAKE}),
    Question("write_too_large", "write to [5] of (0, 0, 0)", {"jax": JAX_AT}),
    Question(
        "add_at_repeated", "add 1 at [0] twice in one call", {"jax": JAX_AT, "tensorflow": TENSORFLOW_SCATTER}
    ),
)
