"""Layers are paired by the user's names, by value, and after a fault by place."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.models.pairing.layers import pair_layers
from samestep.models.subject import ModelError

RNG = np.random.default_rng(0)


def rounded(value, size=2.0**-22, seed=1):
    """What float32 makes of it: errors of a few units in the last place."""
    rng = np.random.default_rng(seed)
    return (value * (1 + size * rng.standard_normal(value.shape))).astype(np.float32)


def transformer(count=4, batch=2, time=6, width=8, heads=2):
    """The reference's exact layers in the order of their calls, and a Flax port's with float32's errors."""
    rng = np.random.default_rng(3)
    reference, candidate, truth = {}, {}, {}

    def layer(theirs, mine, value, seen=lambda x: x):
        reference[theirs], candidate[mine], truth[mine] = value, rounded(seen(value)), theirs

    x = rng.standard_normal((batch, time, width))
    layer("wte", "Embed_0", x)
    for i in range(count):
        norm = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
        layer(f"h.{i}.ln_1", f"Block_{i}/LayerNorm_0", norm)
        q = rng.standard_normal((batch, heads, time, width // heads))
        layer(f"h.{i}.attn.q", f"Block_{i}/query", q, lambda q: q.transpose(0, 2, 1, 3))
        scores = rng.standard_normal((batch, heads, time, time))
        layer(f"h.{i}.attn.softmax", f"Block_{i}/probs", scores)
        layer(f"h.{i}.attn", f"Block_{i}/attn", q.transpose(0, 2, 1, 3).reshape(batch, time, width) + 1)
        x = x + rng.standard_normal(x.shape)
        layer(f"h.{i}", f"Block_{i}", x)
    return reference, candidate, truth


def partners(found):
    return {name: link.sources[0] for name, link in found.links.items()}


def test_every_layer_finds_its_partner_by_value():
    reference, candidate, truth = transformer()
    found = pair_layers(reference, candidate)
    assert partners(found) == truth
    assert not found.unmapped
    assert found.first_without_partner is None
    assert found.links["Block_1/query"].how == "transposed (0, 2, 1, 3)"
    assert found.links["Block_1/attn"].how == "as it is"


def test_images_and_heads():
    image, heads = RNG.standard_normal((2, 3, 6, 6)), RNG.standard_normal((2, 4, 5, 3))
    reference = {"conv": image, "flat": image[:, :, ::2, ::2].copy(), "heads": heads}
    candidate = {
        "Conv_0": rounded(image.transpose(0, 2, 3, 1)),
        "Flatten_0": rounded(reference["flat"].reshape(2, -1)),
        "out": rounded(heads.transpose(0, 2, 1, 3).reshape(2, 5, 12)),
    }
    found = pair_layers(reference, candidate)
    assert partners(found) == {"Conv_0": "conv", "Flatten_0": "flat", "out": "heads"}
    made = found.apply(reference)
    for name, value in candidate.items():
        assert made[name].dtype == np.float64
        np.testing.assert_array_equal(rounded(made[name]), value)
        back = found.to_reference(candidate)[partners(found)[name]]
        np.testing.assert_array_equal(found.apply(found.to_reference(candidate))[name], value)
        assert back.shape == reference[partners(found)[name]].shape


def test_after_a_fault_layers_are_paired_by_place():
    reference, candidate, truth = transformer()
    names = list(candidate)
    begins = names.index("Block_1/probs")
    for name in names[begins:]:
        candidate[name] = candidate[name] * np.float32(1.01) + np.float32(0.01)
    found = pair_layers(reference, candidate)
    assert partners(found) == truth
    assert found.positions == set(names[begins:])
    assert found.links["Block_2/query"].how == "by position"
    np.testing.assert_array_equal(
        found.apply(reference)["Block_2/query"], reference["h.2.attn.q"].transpose(0, 2, 1, 3)
    )
    first = found.first_without_partner
    assert (first.name, first.nearest, first.partner, first.how) == (
        "Block_1/probs", "h.1.attn.softmax", "h.1.attn.softmax", "as it is",
    )  # fmt: skip
    assert str(first).startswith(
        "Block_1/probs has no partner: the nearest is h.1.attn.softmax, as it is, 1."
    )


def test_axes_of_one_length_lie_as_in_the_layers_before():
    conv, norm = np.random.default_rng(0).standard_normal((2, 4, 4, 4, 4))
    candidate = {"first": conv.transpose(0, 2, 3, 1), "second": 1 + norm.transpose(0, 2, 3, 1)}
    found = pair_layers({"conv": conv, "norm": norm}, candidate)
    assert found.positions == {"second"}
    np.testing.assert_array_equal(found.apply({"norm": norm})["second"], norm.transpose(0, 2, 3, 1))


def test_height_and_width_keep_their_order():
    """Square images that are shifted are as far from the reference under every order of their axes."""
    for seed in range(8):
        image = np.random.default_rng(seed).standard_normal((2, 3, 6, 6))
        found = pair_layers({"conv": image}, {"tag": np.roll(image, 1, -1).transpose(0, 2, 3, 1)})
        np.testing.assert_array_equal(found.apply({"conv": image})["tag"], image.transpose(0, 2, 3, 1))


def test_layers_that_the_reference_does_not_show_are_skipped_by_place():
    """The port shows one layer more and one less, and all after the first block is wrong."""
    reference, candidate, truth = transformer()
    del reference["h.2.ln_1"]
    del candidate["Block_3/probs"]
    for name in list(candidate)[6:]:
        candidate[name] = candidate[name] + np.float32(0.25)
    found = pair_layers(reference, candidate)
    del truth["Block_2/LayerNorm_0"], truth["Block_3/probs"]
    assert partners(found) == truth
    assert found.unmapped.keys() == {"Block_2/LayerNorm_0"}
    assert found.reference_only == ("h.3.attn.softmax",)


def test_a_flip_is_a_near_miss_and_no_pair():
    reference = {"deconv": RNG.standard_normal((2, 3, 7, 5))}
    candidate = {"ConvTranspose_0": rounded(reference["deconv"].transpose(0, 2, 3, 1)[:, ::-1])}
    found = pair_layers(reference, candidate)
    assert found.positions == {"ConvTranspose_0"}
    assert found.first_without_partner.how == "transposed (0, 2, 3, 1), flipped along axis 1"
    assert found.first_without_partner.distance**2 < 2.0**-24


@pytest.mark.parametrize("told", [False, True])
def test_layers_of_the_same_values(told):
    """Dropout in eval is the identity: any will do for the values, and the gradients say which it is."""
    x = RNG.standard_normal((4, 9))
    gradients = {"linear": RNG.standard_normal((4, 9)), "dropout": RNG.standard_normal((4, 9))}
    reference = {"linear": x, "dropout": x.copy(), "out": np.tanh(x)}
    candidate = {"Dense_0": rounded(x), "Dropout_0": rounded(x), "out": rounded(np.tanh(x))}
    given = {"Dense_0": rounded(gradients["linear"]), "Dropout_0": rounded(gradients["dropout"])}
    found = pair_layers(reference, candidate, None, *((gradients, given) if told else ()))
    assert partners(found) == {"Dense_0": "linear", "Dropout_0": "dropout", "out": "out"}
    assert found.unclear == (set() if told else {"Dense_0", "Dropout_0"})
    assert found.for_gradients.links.keys() == candidate.keys() - found.unclear


def test_a_block_and_its_last_part_have_one_gradient():
    """So a wrong gradient there is compared, though it is like neither."""
    x, gradient = RNG.standard_normal((2, 4, 9))
    reference, gradients = (
        {"block.relu": x, "block": x.copy()},
        {"block.relu": gradient, "block": gradient.copy()},
    )
    found = pair_layers(reference, {"relu": rounded(x)}, None, gradients, {"relu": rounded(2 * gradient)})
    assert not found.unclear
    gradients["block"] = gradient + 1
    found = pair_layers(reference, {"relu": rounded(x)}, None, gradients, {"relu": rounded(2 * gradient)})
    assert found.unclear == {"relu"}


def test_two_layers_of_one_value():
    """Only the candidate shows its dropout: the gradient at the reference's layer is that of one of them."""
    x, gradient = RNG.standard_normal((4, 9)), RNG.standard_normal((4, 9))
    candidate = {"Dense_0": rounded(x), "Dropout_0": rounded(x)}
    assert pair_layers({"linear": x}, candidate).unclear == candidate.keys()
    given = {"Dense_0": rounded(gradient), "Dropout_0": rounded(RNG.standard_normal((4, 9)))}
    found = pair_layers({"linear": x}, candidate, None, {"linear": gradient}, given)
    assert found.unclear == {"Dropout_0"}
    assert partners(found) == {"Dense_0": "linear", "Dropout_0": "linear"}


def test_small_branches_are_told_apart():
    """With LayerScale at 1e-6, blocks hardly change their input; the nearest is the right one."""
    reference, x = {}, RNG.standard_normal((8, 64))
    for i in range(12):
        x = x + 2.0**-17 * RNG.standard_normal(x.shape)
        reference[f"h.{i}"] = x
    candidate = {f"Block_{i}": rounded(value, 2.0**-24) for i, value in enumerate(reference.values())}
    found = pair_layers(reference, candidate)
    assert partners(found) == {f"Block_{i}": f"h.{i}" for i in range(12)}
    assert not found.unclear


def test_values_that_are_no_numbers():
    reference = {"a": RNG.standard_normal((3, 4)), "b": RNG.standard_normal((3, 4))}
    candidate = {"A": rounded(reference["a"]), "B": np.full((3, 4), np.nan, np.float32)}
    found = pair_layers(reference, candidate)
    assert partners(found) == {"A": "a", "B": "b"}
    assert found.first_without_partner.distance == np.inf


def test_nothing_of_that_size():
    found = pair_layers({"a": np.ones((3, 4))}, {"A": np.ones((5,), np.float32)})
    assert str(found.first_without_partner) == "A has no partner: no layer of the reference has its size"
    assert found.unmapped.keys() == {"A"}
    assert not pair_layers({}, {}).links


# -- by the user's names -------------------------------------------------------------------------------


def test_patterns():
    reference, candidate, truth = transformer()
    patterns = {
        "Embed_0": "wte", "Block_{i}": "h.{i}", "Block_{i}/LayerNorm_0": "h.{i}.ln_1",
        "Block_{i}/query": "h.{i}.attn.q", "Block_{i}/probs": "h.{i}.attn.softmax",
        "Block_{i}/attn": "h.{i}.attn",
    }  # fmt: skip
    wrong = {name: value + np.float32(0.5) for name, value in candidate.items()}
    found = pair_layers(reference, wrong, patterns)
    assert partners(found) == truth
    assert not found.positions
    assert found.links["Block_0/query"].how == "transposed (0, 2, 1, 3)"


def test_values_choose_where_several_orders_of_axes_fit():
    """A square image of as many channels: NCHW or NHWC, the shape cannot tell."""
    image = RNG.standard_normal((2, 5, 5, 5))
    found = pair_layers({"conv": image}, {"Conv_0": rounded(image.transpose(0, 2, 3, 1))}, {"Conv_0": "conv"})
    assert found.links["Conv_0"].how == "transposed (0, 2, 3, 1)"


def test_further_calls_and_several_indices():
    reference = {f"e.{i}.s.{j}{call}": RNG.standard_normal((3, 4)) for i in (0, 1) for j in (0, 1)
                 for call in ("", "#2")}  # fmt: skip
    truth = {name.replace("e.", "E").replace(".s.", "/S"): name for name in reference}
    candidate = {name: rounded(reference[source]) + 1 for name, source in truth.items()}
    found = pair_layers(reference, candidate, {"E{i}/S{j}": "e.{i}.s.{j}"})
    assert partners(found) == truth


def test_fused_layers():
    parts = {n: RNG.standard_normal((2, 5, 8)) for n in "qkv"}
    fused = np.concatenate([*parts.values()], axis=-1)
    found = pair_layers({"qkv": fused}, {n: rounded(v) for n, v in parts.items()}, {("q", "k", "v"): "qkv"})
    made = found.apply({"qkv": fused})
    for n, value in parts.items():
        np.testing.assert_array_equal(made[n], value)
    other = pair_layers(parts, {"qkv": rounded(fused)}, {"qkv": ("q", "k", "v")})
    np.testing.assert_array_equal(other.apply(parts)["qkv"], fused)
    assert found.to_reference(made).keys() == {"qkv"}
    np.testing.assert_array_equal(other.to_reference({"qkv": fused})["k"], parts["k"])


MISTAKES = {
    "candidate": ({"Blok_{i}": "h.{i}"}, "layers: 'Blok_{i}' matches none of the candidate's layers; the"),
    "reference": ({"Block_{i}": "g.{i}"}, "layers: the reference has no layer 'g.0'; the nearest is 'h.0'"),
    "index": ({"Embed_0": "h.{i}"}, "layers: 'h.{i}' has {i}, which its other side does not have"),
    "shape": ({"Embed_0": "h.0.attn.softmax"}, "layers: 'Embed_0' of shape (2, 6, 8) cannot be"),
    "fused": ({("Embed_0", "Block_0"): "h.0"}, "layers: 'Embed_0' (2, 6, 8), 'Block_0' (2, 6, 8) are not"),
    "joined": ({"Block_0": ("h.0", "h.1")}, "layers: 'Block_0' of shape (2, 6, 8) cannot be 'h.0' (2, 6, 8)"),
    "both": ({("a", "b"): ("c", "d")}, "layers: ('a', 'b') to ('c', 'd'): one side of a pair must be a"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_one_line(mistake):
    patterns, message = MISTAKES[mistake]
    reference, candidate, _ = transformer()
    with pytest.raises(ModelError) as caught:
        pair_layers(reference, candidate, patterns)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_wrong_heads_are_paired_by_place_with_features_that_are_not_cut():
    whole, key = RNG.standard_normal((2, 5, 12)), RNG.standard_normal((2, 5, 12))
    reference = {"attn.query": whole, "attn.key": key}
    candidate = {"query": RNG.standard_normal((2, 5, 4, 3)), "key": RNG.standard_normal((2, 5, 4, 3))}
    found = pair_layers(reference, candidate)
    assert partners(found) == {"query": "attn.query", "key": "attn.key"}
    np.testing.assert_array_equal(found.apply(reference)["query"], whole.reshape(2, 5, 4, 3))


def test_a_block_without_its_residual_is_not_its_last_layer():
    rng = np.random.default_rng(5)
    values = {name: rng.standard_normal((2, 5, 8)) for name in ("h.0.down", "h.0", "h.1.down", "h.1")}
    candidate = {name.replace("h.", "block"): rounded(value) for name, value in values.items()}
    candidate["block1"] = candidate["block1.down"]
    assert partners(pair_layers(values, candidate))["block1"] == "h.1"
    two_names = {**candidate, "block0": rounded(values["h.0"]), "block1.again": candidate["block1.down"]}
    assert partners(pair_layers(values, two_names))["block1.again"] == "h.1.down"


def test_names_tell_what_is_called_in_another_order():
    rng = np.random.default_rng(6)
    names = ("h.0.mlp.gate", "h.0.mlp.act", "h.0.mlp.up", "h.0.mlp.down")
    reference = {name: rng.standard_normal((2, 5, 8)) for name in names}
    order = ("h.0.mlp.gate", "h.0.mlp.up", "h.0.mlp.act", "h.0.mlp.down")
    candidate = {name: rounded(reference[name]) for name in order}
    candidate["h.0.mlp.act"] = rng.standard_normal((2, 5, 8)).astype(np.float32)
    assert partners(pair_layers(reference, candidate))["h.0.mlp.act"] == "h.0.mlp.act"
    candidate["h.0.mlp.act"] = candidate["h.0.mlp.gate"]  # not applied
    assert partners(pair_layers(reference, candidate))["h.0.mlp.act"] == "h.0.mlp.act"
