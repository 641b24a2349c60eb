"""Which aten operations round how: the ones that are exact, the elementwise ones, and those taken apart.

A name is the operation's without namespace, overload and the underscore of its in-place form. What stands in
none of these tables has a rule of its own (`RULES`), or is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from samestep.agreement.arithmetic.elementwise_units import ABSOLUTE, ELEMENTWISE_UNITS

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode

#: A rule computes the operation's result under the mode: (mode, operation, arguments, keywords) -> result.
Rule = Callable[["NoiseMode", Any, tuple[Any, ...], dict[str, Any]], Any]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Views, copies, indexing, comparisons, selections, integers: no result is rounded.
EXACT = _names(
    """
    __lshift__ __rshift__ unfold_copy _pack_padded_sequence
    _assert_async _assert_scalar _conj _conj_physical _copy_from _efficientzerotensor
    _functional_assert_async _has_same_storage_numel _linalg_check_errors _local_scalar_dense
    _neg_view _pin_memory _reshape_alias _reshape_copy _unique2 _unsafe_index _unsafe_masked_index
    _unsafe_view _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d abs
    adaptive_max_pool2d adaptive_max_pool3d alias alias_copy all amax amin aminmax any argmax argmin
    as_strided as_strided_copy as_strided_scatter bitwise_and bitwise_left_shift bitwise_not bitwise_or
    bitwise_right_shift bitwise_xor block_diag cat ceil channel_shuffle clamp clamp_max clamp_min clone
    complex conj_physical constant_pad_nd copysign count_nonzero cummax cummin detach detach_copy
    diag_embed diagonal diagonal_backward diagonal_copy diagonal_scatter embedding empty empty_like
    empty_permuted empty_strided eq equal expand expand_copy eye fill flip floor floor_divide fmax fmin
    fmod frac fractional_max_pool2d fractional_max_pool3d
    frexp full full_like gather ge gt hardshrink hardshrink_backward hardtanh hardtanh_backward
    heaviside histc im2col index index_copy index_fill index_select is_pinned is_same_size isin isinf
    isnan isneginf isposinf kthvalue le lift lift_fresh logical_and logical_not logical_or
    logical_xor lt lu_unpack masked_fill masked_scatter masked_scatter_backward masked_select max
    max_pool2d_with_indices max_pool3d_with_indices max_unpool2d max_unpool3d maximum median min minimum
    mode nan_to_num nanmedian ne neg new_empty new_empty_strided new_full new_ones new_zeros
    nonzero nonzero_static ones ones_like permute permute_copy pixel_shuffle pixel_unshuffle
    reflection_pad1d reflection_pad2d reflection_pad3d relu repeat repeat_interleave replication_pad1d
    replication_pad2d replication_pad3d resize resize_as roll rot90 round scalar_tensor select
    select_backward select_copy select_scatter set sgn sign signbit slice slice_backward slice_copy
    slice_scatter softshrink_backward sort split split_copy split_with_sizes squeeze squeeze_copy stack
    t t_copy take threshold threshold_backward topk transpose transpose_copy tril tril_indices triu
    triu_indices trunc unbind unbind_copy unfold unique_consecutive unique_dim unsafe_split
    unsafe_split_with_sizes unsqueeze unsqueeze_copy upsample_nearest1d upsample_nearest2d
    upsample_nearest3d view view_as_complex view_as_real view_as_real_copy view_copy where zero zeros
    zeros_like
    """
)

#: Of the exact ones, those whose numbers become values of the result, which rounds them once.
HOLD_NUMBERS = _names(
    "fill full full_like new_full scalar_tensor masked_fill where clamp clamp_min clamp_max hardtanh "
    "threshold constant_pad_nd index_fill"
)

#: aten's name -> the name in `ELEMENTWISE_UNITS` or `ABSOLUTE`, where it is another.
_CANONICAL = {
    "sub": "subtract", "mul": "multiply", "div": "divide", "asin": "arcsin",
    "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "special_erfcx": "erfcx", "special_ndtri": "ndtri", "special_log_ndtr": "log_ndtr",
    "special_ndtr": "ndtr", "special_i0e": "i0e", "special_i1": "i1", "special_i1e": "i1e",
    "special_xlog1py": "xlog1py", "special_entr": "entr",
}  # fmt: skip
_OWN_RULES = {"add", "subtract", "power"}
_TORCH_NAME = {canonical: name for name, canonical in _CANONICAL.items()}

#: Elementwise operation -> its units, relative to the result.
UNITS: dict[str, float] = {
    **{
        _TORCH_NAME.get(name, name): units
        for name, units in ELEMENTWISE_UNITS.items()
        if name not in _OWN_RULES
    },
}
#: Elementwise operation -> its units, relative to max(1, |result|).
ABSOLUTE_UNITS: dict[str, float] = dict(ABSOLUTE)

#: Fused operations, taken apart by `torch._decomp` or `decompositions`, inside the mode.
DECOMPOSED = _names(
    """
    _batch_norm_no_update _batch_norm_with_update _euclidean_dist _fused_rms_norm_backward _log_softmax
    _log_softmax_backward_data _native_batch_norm_legit _native_batch_norm_legit_functional
    _native_batch_norm_legit_no_training _prelu_kernel _prelu_kernel_backward _safe_softmax _softmax
    _softmax_backward_data _weight_norm_interface addr affine_grid_generator batch_norm_backward
    binary_cross_entropy binary_cross_entropy_backward binary_cross_entropy_with_logits celu
    cudnn_batch_norm cudnn_batch_norm_backward deg2rad dist elu elu_backward gelu gelu_backward glu
    glu_backward grid_sampler_2d hardsigmoid hardsigmoid_backward hardswish hardswish_backward
    huber_loss huber_loss_backward leaky_relu leaky_relu_backward linalg_cross linalg_vector_norm
    log_sigmoid_backward log_sigmoid_forward logit logit_backward logsumexp mish mse_loss
    mse_loss_backward multi_margin_loss native_batch_norm
    native_batch_norm_backward native_dropout_backward native_group_norm native_group_norm_backward
    native_layer_norm native_layer_norm_backward nll_loss2d_backward nll_loss2d_forward
    nll_loss_backward nll_loss_forward norm rad2deg renorm rrelu_with_noise_backward rsub
    sigmoid_backward silu smooth_l1_loss smooth_l1_loss_backward soft_margin_loss
    soft_margin_loss_backward softshrink tanh_backward trace
    upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_trilinear3d
    _fused_rms_norm selu mish_backward silu_backward
    prelu
    """
)

#: Operations with a rule of their own; the modules rules_*.py put them here.
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Return a decorator that makes a function the rule of the operations of these names."""

    def put(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return put


def canonical_name(name: str) -> str:
    """Return the name that an elementwise operation of aten's has in the table that all engines share."""
    return _CANONICAL.get(name, name)


def operation_name(func: Any) -> str:
    """Return an operation's name in these tables: aten.add_.Tensor is "add"."""
    name = str(func._schema.name).split("::")[1]
    return name[:-1] if name.endswith("_") and not name.endswith("__") else name
