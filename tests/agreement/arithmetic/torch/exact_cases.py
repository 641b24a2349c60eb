"""Operations that round nothing: their float64 results are float32's own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tests.agreement.arithmetic.torch.operation_case import IMAGE, LINE, VOLUME, Case, X, unary

aten = torch.ops.aten


def _several(*functions):
    return lambda *inputs: tuple(one for function in functions for one in _tuple(function(*inputs)))


def _tuple(result):
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def _whole(x: Tensor) -> Tensor:
    return (x * 4).round().to(torch.int64)


def _in_place(x: Tensor) -> Tensor:
    y = x.clone()
    y[2:5].zero_()
    y[:, 3].fill_(0.5)
    y.relu_().neg_().abs_().clamp_(max=0.75)
    return y


EXACT_CASES = [
    unary(
        "largest",
        X,
        _several(
            lambda x: x.max(1),
            lambda x: x.min(0),
            lambda x: x.amin(1),
            lambda x: x.aminmax(),
            lambda x: x.argmax(1),
            lambda x: x.argmin(1),
            lambda x: x.cummin(1),
            lambda x: x.max(),
        ),
    ),
    unary(
        "ordered",
        X,
        _several(
            lambda x: x.topk(3),
            lambda x: x.kthvalue(2),
            lambda x: x.median(1),
            torch.median,
            lambda x: x.nanmedian(1),
            torch.nanmedian,
            lambda x: x.mode(1),
            lambda x: x.sort(1),
        ),
    ),
    Case(
        "compared",
        _several(
            torch.fmax,
            torch.fmin,
            torch.maximum,
            torch.minimum,
            torch.copysign,
            torch.heaviside,
            torch.fmod,
            torch.isin,
            lambda a, b: torch.view_as_real(torch.complex(a, b)),
        ),
        (X, X),
    ),
    unary(
        "whole",
        X,
        _several(
            torch.floor,
            torch.ceil,
            torch.trunc,
            torch.round,
            torch.frac,
            torch.sign,
            torch.sgn,
            torch.signbit,
            torch.isinf,
            torch.isposinf,
            torch.isneginf,
            torch.isnan,
            lambda x: x.floor_divide(0.5),
            lambda x: torch.nan_to_num(x),
            torch.frexp,
        ),
    ),
    unary(
        "bits",
        X,
        _several(
            lambda x: _whole(x) & 3,
            lambda x: _whole(x) | 3,
            lambda x: _whole(x) ^ 3,
            lambda x: _whole(x) << 1,
            lambda x: _whole(x) >> 1,
            lambda x: ~_whole(x),
            lambda x: _whole(x).bitwise_left_shift(1),
            lambda x: _whole(x).bitwise_right_shift(1),
        ),
    ),
    unary(
        "logic",
        X,
        _several(
            lambda x: (x > 0).logical_or(x < 1),
            lambda x: (x > 0).logical_xor(x < 1),
            lambda x: (x > 0).logical_and(x < 1),
            lambda x: (x > 0).logical_not(),
            torch.any,
            torch.all,
            lambda x: (x > 0).nonzero(),
            lambda x: x[x > 0],
            lambda x: x.masked_select(x > 0),
            lambda x: x.count_nonzero(),
            lambda x: (x >= 0) & (x <= 1) & (x != 0.5) & ~(x == 1),
            lambda x: aten.nonzero_static.default(x > 0, size=4),
        ),
    ),
    unary(
        "moved",
        X,
        _several(
            lambda x: x.roll(2, 0),
            lambda x: x.flip(0),
            lambda x: x.rot90(),
            lambda x: x.repeat(2, 1),
            lambda x: x.repeat_interleave(2, 0),
            lambda x: x.diagonal(),
            lambda x: x.split(5),
            lambda x: x.split_with_sizes([8, 24]),
            lambda x: x.unsafe_split(5),
            lambda x: torch.block_diag(x, x),
            lambda x: torch.stack([x, x]),
            lambda x: torch.cat([x, x]),
            lambda x: x.tril(),
            lambda x: x.triu(),
            lambda x: aten.unsafe_split_with_sizes.default(x, [8, 24]),
        ),
    ),
    unary(
        "copied",
        X,
        _several(
            *(
                lambda x, name=name: getattr(torch, name)(x)
                for name in ("alias_copy", "detach_copy", "t_copy", "unbind_copy")
            )
        ),
    ),
    unary(
        "copied2",
        X,
        _several(
            lambda x: torch.permute_copy(x, (1, 0)),
            lambda x: torch.select_copy(x, 0, 1),
            lambda x: torch.slice_copy(x, 0, 1, 3),
            lambda x: torch.transpose_copy(x, 0, 1),
            lambda x: torch.unsqueeze_copy(x, 0),
            lambda x: torch.squeeze_copy(x),
            lambda x: torch.view_copy(x, (-1,)),
            lambda x: torch.expand_copy(x, (2, 32, 24)),
            lambda x: torch.split_copy(x, 5),
            lambda x: torch.diagonal_copy(x),
            lambda x: torch.as_strided_copy(x, (3, 3), (1, 2)),
            lambda x: torch.unfold_copy(x, 0, 2, 1),
        ),
    ),
    unary(
        "put",
        X,
        _several(
            lambda x: x.index_copy(0, torch.tensor([1, 2]), x[:2]),
            lambda x: x.index_fill(0, torch.tensor([1]), 0.5),
            lambda x: x.slice_scatter(x[:2], 0, 3, 5),
            lambda x: x.select_scatter(x[0], 0, 3),
            lambda x: x.diagonal_scatter(x[:24].diagonal()),
            lambda x: x.scatter(0, torch.zeros(1, 24, dtype=torch.int64), x),
            lambda x: x.as_strided_scatter(x[:2], (2, 24), (24, 1)),
            _in_place,
        ),
    ),
    unary(
        "made",
        X,
        _several(
            lambda x: x.new_ones(3),
            lambda x: torch.full_like(x, 0.5),
            lambda x: torch.tril_indices(3, 3),
            lambda x: torch.triu_indices(3, 3),
            lambda x: torch.eye(3),
            lambda x: x.new_zeros(2),
            lambda x: torch.ones_like(x),
            lambda x: x.new_full((2,), 0.5),
            lambda x: torch.arange(0, 9, 0.5),
            lambda x: torch.range(0, 9, 0.5),
            lambda x: torch.scalar_tensor(0.5),
            lambda x: torch.zeros(3),
            lambda x: torch.empty_strided((2,), (1,)).zero_(),
            lambda x: torch.empty_permuted((2, 3), (1, 0)).zero_(),
        ),
    ),
    unary(
        "kept",
        X,
        _several(
            lambda x: functional.hardshrink(x),
            lambda x: functional.relu6(x),
            functional.relu,
            lambda x: x.histc(5, -4, 4),
            lambda x: torch.bincount(_whole(x).abs().reshape(-1)),
            lambda x: torch.bucketize(x, torch.tensor([-1.0, 0.0, 1.0])),
            lambda x: torch.searchsorted(x.sort(1).values, x),
            lambda x: x.unique(),
            lambda x: x.unique(dim=0),
            lambda x: x.round().unique_consecutive(),
        ),
    ),
    Case(
        "unpooled",
        lambda x: functional.max_unpool2d(*functional.max_pool2d(x, 2, return_indices=True), 2),
        (IMAGE,),
    ),
    Case(
        "unpooled3",
        lambda x: functional.max_unpool3d(*functional.max_pool3d(x, 2, return_indices=True), 2),
        (VOLUME,),
    ),
    Case(
        "shuffled",
        _several(
            lambda x: torch.channel_shuffle(x, 2),
            lambda x: functional.pixel_unshuffle(x, 2),
            lambda x: functional.pixel_shuffle(x[:, :4], 2),
        ),
        (IMAGE,),
    ),
    Case(
        "upsampled",
        _several(lambda x: functional.interpolate(x, scale_factor=2), lambda x: x.unfold(2, 3, 1)),
        (LINE,),
    ),
]

#: Not tried here: kernels of other devices, what autograd and compilers make, names of other versions.
NOT_TRIED = frozenset(
    [
        "_assert_async",
        "_assert_scalar",
        "_conj",
        "_conj_physical",
        "_copy_from",
        "_efficientzerotensor",
        "_functional_assert_async",
        "_has_same_storage_numel",
        "_neg_view",
        "_pin_memory",
        "_reshape_alias",
        "_reshape_copy",
        "_unsafe_masked_index",
        "_unsafe_masked_index_put_accumulate",
        "_unsafe_index_put",
        "_index_put_impl",
        "_convolution",
        "convolution_overrideable",
        "convolution_backward_overrideable",
        "cudnn_batch_norm",
        "cudnn_batch_norm_backward",
        "_batch_norm_no_update",
        "_batch_norm_with_update",
        "batch_norm_backward",
        "_native_batch_norm_legit",
        "_native_batch_norm_legit_functional",
        "_native_batch_norm_legit_no_training",
        "_embedding_bag_dense_backward",
        "_embedding_bag_forward_only",
        "_fused_rms_norm",
        "_fused_rms_norm_backward",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_flash_attention_backward",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_efficient_attention_backward",
        "is_pinned",
        "is_same_size",
        "lift",
        "resize",
        "resize_as",
        "set",
        "view_as_real_copy",
        "equal",
        "native_dropout_backward",
        "selu",
        "prelu",
        "mish_backward",
        "silu_backward",
        "special_ndtr",
        "square",
        "conj_physical",
    ]
)
