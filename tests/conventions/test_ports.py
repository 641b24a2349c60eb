"""What ports meet: that what is called a match is one, how near is measured, and that symptoms find it."""

from __future__ import annotations

import ast
import json

import numpy as np
import pytest

from samestep.codec import decode
from samestep.conventions.ports.closeness import closeness
from samestep.conventions.ports.measure_port import port_answer
from samestep.conventions.ports.pitfall import AGREES, MATCHED, PORT_TOPICS, pitfalls
from samestep.conventions.ports.written import functions
from samestep.conventions.questions import FRAMEWORKS
from samestep.conventions.symptoms import find_by_words, words_of
from samestep.errors import SamestepError
from samestep.jobs.convention_table import select_questions
from samestep.records.convention_document import ConventionTable
from samestep.report.pitfall_cards import anchor, card_lines, cards
from tests.made.places import CHECKOUT, VALUES

ROOM = CHECKOUT / "harness/samestep/conventions/ports"
TABLE = decode(ConventionTable, json.loads((VALUES / "conventions.json").read_text()))
CARDS = cards(TABLE)


# -- the recorded answers --------------------------------------------------------------------------------


def test_every_pitfall_is_recorded():
    assert [card.key for card in CARDS] == list(pitfalls())


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.key)
def test_what_is_called_a_match_agrees_in_every_framework(card):
    for framework in card.frameworks():
        first, matched = card.answer(framework, False), card.answer(framework, True)
        assert (first == AGREES) != (matched == AGREES), (framework, first, matched)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.key)
def test_a_pitfall_is_one_somewhere(card):
    assert any(card.answer(framework, False) != AGREES for framework in card.frameworks())


# -- the functions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", PORT_TOPICS)
def test_functions_are_those_of_the_pitfalls_in_their_order(topic):
    names = [key.partition("/")[2] for key in pitfalls() if key.startswith(f"{topic}/")]
    both = [one for name in names for one in (name, name + MATCHED)]
    assert [name for name in functions(topic, "numpy") if name in names] == names
    for framework in FRAMEWORKS:
        mine = [name for name in functions(topic, framework) if name in both]
        assert mine == [name for name in both if name in mine], framework
        assert all(name.removesuffix(MATCHED) in mine for name in mine), framework


@pytest.mark.parametrize("topic", PORT_TOPICS)
def test_every_file_of_a_topic_is_a_frameworks(topic):
    assert {path.stem for path in (ROOM / topic).glob("*.py")} <= {"__init__", *FRAMEWORKS}


def test_headings_are_found_by_their_anchors():
    anchors = [anchor(card.pitfall.title) for card in CARDS]
    assert len(set(anchors)) == len(anchors)
    assert anchor("Transposed convolutions: flip, padding") == "transposed-convolutions-flip-padding"


def test_a_card_shows_the_code_that_was_measured():
    (card,) = (card for card in CARDS if card.pitfall.name == "gelu")
    text = "\n".join(card_lines(card))
    assert "# jax, matched\ndef gelu_matched(x: jax.Array) -> jax.Array:\n    return" in text
    assert "approximate=False" in text
    assert functions("activations", "torch")["gelu"] in text
    for code in functions("activations", "torch").values():
        ast.parse(code)


# -- how near ----------------------------------------------------------------------------------------------

X = np.random.default_rng(0).standard_normal((4, 8)).astype(np.float32)


def formula(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + 1e-6)


def said(got: np.ndarray, is_factor: bool = True) -> str:
    return closeness(got, formula, {"x": X}).text(is_factor)


def test_rounding_agrees():
    assert said(formula(X)) == AGREES
    scale = 1 / np.sqrt(np.square(X).sum(axis=-1, keepdims=True) / np.float32(8) + np.float32(1e-6))
    assert said(X * scale) == AGREES


def folded(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """A convolution of one pixel, and a BatchNorm in evaluation."""
    return (np.einsum("nchw,oc->nohw", x, w) - 0.5) / np.sqrt(4.0 + 1e-5)


def test_what_the_note_on_exports_says_comes_through_an_export():
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    from samestep.conventions.ports.activations import numpy as gelus
    from samestep.conventions.ports.activations import torch as activations
    from samestep.conventions.ports.exports.torch import Call, exported
    from samestep.conventions.ports.resizing import numpy as formulas
    from samestep.conventions.ports.resizing import torch as resizing

    convolution, norm = torch.nn.Conv2d(3, 2, 1, bias=False), torch.nn.BatchNorm2d(2)
    norm.running_mean.fill_(0.5)
    norm.running_var.fill_(4.0)
    w = convolution.weight.detach().numpy()[:, :, 0, 0]
    large, small = (pitfalls()[f"resizing/{name}"].arrays()["x"] for name in ("antialias", "align_corners"))
    for module, formula, given in (
        (Call(activations.gelu), gelus.gelu, {"x": X}),
        (Call(activations.gelu_tanh_matched), gelus.gelu_tanh, {"x": X}),
        (Call(resizing.antialias), formulas.antialias, {"x": large}),
        (Call(resizing.align_corners_matched), formulas.align_corners, {"x": small}),
        (torch.nn.Sequential(convolution, norm).eval(), folded, {"x": large, "w": w}),
    ):
        got = exported(module, torch.tensor(given["x"]), dynamo=False)
        assert closeness(got.numpy(), formula, given).agrees, formula


def test_an_element_that_is_wrong_is_no_rounding():
    got = formula(X)
    got[2, 3] += np.float32(2e-4)
    assert said(got).endswith(" % off")


def test_one_factor_is_named_where_other_arrays_have_it_too():
    assert said(formula(X) * np.float32(0.5)) == "times 0.5"
    assert said(-formula(X)) == "times -1"
    assert said(formula(X) * np.float32(0.5), is_factor=False) == "50 % off"
    half, third = (closeness(formula(X) * np.float32(f), formula, {"x": X}) for f in (0.5, 1 / 3))
    assert half.same_factor(half)
    assert not half.same_factor(third)


def test_another_shape_and_what_is_not_finite_are_named():
    assert said(formula(X)[:2]) == "shape 2 8 for 4 8"
    assert said(np.where(X > 1, np.nan, formula(X))) == "not finite"


def test_integers_are_equal_or_not():
    order = lambda x: np.argmax(x, axis=-1)  # noqa: E731
    assert closeness(X.argmax(axis=-1), order, {"x": X}).text(True) == AGREES
    assert closeness(X.argmin(axis=-1), order, {"x": X}).text(True) == "4 of 4 differ"


def test_a_framework_that_has_no_such_function_has_no_answer():
    assert port_answer("numpy", "recurrence/gru") is None
    assert port_answer("tensorflow", "recurrence/gru") is None
    assert port_answer("torch", "activations/no_such") is None


def test_the_arrays_of_a_pitfall_are_the_same_for_a_seed():
    for one in pitfalls().values():
        first, again, other = one.arrays(), one.arrays(), one.arrays(1)
        assert all(np.array_equal(first[name], again[name]) for name in first)
        assert any(not np.array_equal(first[name], other[name]) for name in first)
        assert all(x.dtype != np.float64 for x in first.values())


# -- by symptom --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("my ConvTranspose does not match", "convolutions/transposed_convolution"),
        ("conv transpose", "convolutions/transposed_convolution"),
        ("GRU output differs", "recurrence/gru"),
        ("GRU weights from PyTorch to Keras", "recurrence/gru"),
        ("off by a few percent at the border", "convolutions/average_pool_border"),
        ("LayerNorm differs", "normalisation/layer_norm_eps"),
        ("running_var differs", "normalisation/batch_norm_running"),
        ("gelu off by 1e-4", "activations/gelu"),
        ("pixel shuffle", "convolutions/pixel_shuffle"),
        ("RoPE differs", "attention/rotary"),
        ("mask inverted", "attention/attention_mask"),
        ("kl_div", "criteria/divergence"),
        ("Adam differs", "updates/adam_eps"),
        ("random numbers seed", "arithmetic/uniform_of_seed_0"),
    ],
)
def test_a_symptom_finds_its_pitfall(query, first):
    keys, left_over = find_by_words(query.split())
    assert keys[0] == first, keys
    assert not left_over


def test_a_loss_that_differs_by_a_factor_finds_losses():
    keys, _ = find_by_words(["loss differs by a constant factor"])
    assert {"criteria/squared_error", "criteria/smooth_l1"} <= set(keys)


def test_words_that_nothing_has_are_left_over():
    keys, left_over = find_by_words(["gru", "reset", "zyx"])
    assert keys[0].startswith("recurrence/gru")
    assert left_over == ["zyx"]


def test_idle_words_count_only_where_nothing_else_is_said():
    assert words_of("my GRU does not match") == ["gru"]
    assert words_of("does not match") == ["does", "not", "match"]


def test_a_pitfall_brings_both_its_questions():
    assert set(select_questions(("pixel_shuffle",)).questions) == {
        "convolutions/pixel_shuffle", "convolutions/pixel_shuffle_matched",
    }  # fmt: skip
    assert len(select_questions(("updates",)).questions) > len(select_questions(("updates/a*",)).questions)


def test_what_nothing_speaks_of_gets_one_line_with_what_there_is():
    with pytest.raises(SamestepError, match=r"qqq zzz matches no question; topics are gradients.* updates"):
        select_questions(("qqq", "zzz"))
