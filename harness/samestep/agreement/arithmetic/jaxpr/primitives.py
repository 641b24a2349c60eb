"""Which primitives there are, by what becomes of them: values moved, numbers rounded, calls, and refusals."""

from __future__ import annotations

#: Values move or are chosen, and none is rounded.
_MOVED = """
    reshape transpose broadcast_in_dim squeeze expand_dims slice dynamic_slice dynamic_update_slice gather
    scatter concatenate pad rev select_n neg abs sign max min clamp eq ne lt le gt ge lt_to le_to floor ceil
    round is_finite reduce_max reduce_min argmax argmin sort iota reduce_and reduce_or reduce_xor
    reduce_window_max reduce_window_min cummax cummin optimization_barrier copy copy_p top_k split
    stop_gradient and or not xor shift_left shift_right_logical shift_right_arithmetic population_count clz
    random_seed random_wrap random_unwrap random_bits random_split random_fold_in random_clone threefry2x32
    rng_bit_generator approx_top_k rem device_put sharding_constraint mesh_cast unstack stack empty
    select_and_gather_add scatter_max scatter_min scatter-max scatter-min tile pvary pbroadcast reshard
    complex conj real imag platform_index empty2
    lu_pivots_to_permutation
    samestep_tag samestep_tag_tangent name psum psum_invariant pmax pmin
"""
EXACT = frozenset(_MOVED.split())

#: Primitive -> the name of the operation in the table of units that all engines share.
ELEMENTWISE = {
    "add": "add", "add_any": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "sqrt": "sqrt",
    "square": "square", "rsqrt": "rsqrt", "exp": "exp", "exp2": "exp2", "log": "log", "log1p": "log1p",
    "expm1": "expm1", "tanh": "tanh", "logistic": "sigmoid", "erf": "erf", "erfc": "erfc",
    "erf_inv": "erfinv", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin", "acos": "arccos",
    "atan": "arctan", "atan2": "arctan2", "sinh": "sinh", "cosh": "cosh", "asinh": "arcsinh",
    "acosh": "arccosh", "atanh": "arctanh", "pow": "power", "cbrt": "cbrt", "lgamma": "lgamma",
    "digamma": "digamma", "bessel_i0e": "i0e", "bessel_i1e": "i1e",
}  # fmt: skip

#: A call of another jaxpr, and the parameter that holds it.
CALLS = {
    "jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "core_closed_call": "call_jaxpr",
    "core_call": "call_jaxpr", "remat": "jaxpr", "remat2": "jaxpr", "checkpoint": "jaxpr",
    "custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr", "custom_vjp_call_jaxpr": "fun_jaxpr",
    "shard_map": "jaxpr",
}  # fmt: skip

#: What nothing depends on.
SKIPPED = frozenset({"debug_callback", "debug_print"})

_UNSEEN = "compiled code that cannot be looked into"
_NO_RULE = "there is no rule for its rounding yet"
_ALGEBRA = """
    householder_product geqrf eig eigh qr svd schur
    hessenberg tridiagonal tridiagonal_solve linear_solve
"""
#: What is refused, and why; any primitive that no table knows is refused as well.
REFUSED = {
    "pure_callback": "a host callback leaves JAX",
    "io_callback": "a host callback leaves JAX",
    "ffi_call": _UNSEEN,
    "custom_call": _UNSEEN,
    "tpu_custom_call": _UNSEEN,
    "triton_kernel_call": _UNSEEN,
    "call_tf": "TensorFlow code inside JAX",
    "pallas_call": "a Pallas kernel works on references; give its plain JAX form instead",
    **dict.fromkeys(_ALGEBRA.split(), _NO_RULE),
}
