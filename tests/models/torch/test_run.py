"""One run of a module: which tensors, under which names, in which order, and the model's own bits."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from samestep.models.tensors import Role, TensorKey  # noqa: E402
from samestep.models.torch import from_module  # noqa: E402
from tests.models.torch.networks import (  # noqa: E402
    Checkpointed,
    Tied,
    asked,
    by_hand,
    conv_net,
    mlp,
    names,
    normal,
    residual,
    same,
)


def test_the_tensors_of_a_run_stand_in_the_order_of_a_training_step():
    tensors = from_module(mlp()).run(asked(normal(5, 4)))
    roles = [key.role for key in tensors]
    assert roles == sorted(roles, key=list(Role).index)
    assert names(tensors, Role.LAYER) == ["0", "1", "2"]
    assert names(tensors, Role.LAYER_GRADIENT) == ["2", "1", "0"]
    assert names(tensors, Role.OUTPUT) == [""]
    assert names(tensors, Role.INPUT_GRADIENT) == ["0"]
    assert names(tensors, Role.GRADIENT) == ["0.weight", "0.bias", "2.weight", "2.bias"]


@pytest.mark.parametrize("training", [True, False])
def test_a_run_has_the_bits_of_the_model_without_hooks(training):
    model, question = conv_net().train(training), asked(normal(2, 3, 8, 8))
    got = from_module(model).run(question)
    expected = by_hand(copy.deepcopy(model), question)
    assert {key: got[key].tobytes() for key in expected} == {k: v.tobytes() for k, v in expected.items()}


def test_a_layer_is_seen_before_the_next_one_changes_it_in_place():
    tensors = from_module(conv_net()).run(asked(normal(2, 3, 8, 8)))
    assert tensors[TensorKey(Role.LAYER, "1")].min() < 0 == tensors[TensorKey(Role.LAYER, "2")].min()


def test_state_is_that_after_the_run():
    subject = from_module(conv_net())
    after = subject.run(asked(normal(2, 3, 8, 8)))
    assert names(after, Role.STATE) == list(subject.state())
    assert after[TensorKey(Role.STATE, "1.num_batches_tracked")] == 1
    assert subject.state()["1.num_batches_tracked"] == 0


def test_dropout_has_the_same_mask_for_each_run_and_another_for_another_seed():
    subject, x = from_module(conv_net()), normal(2, 3, 8, 8)
    assert same(subject.run(asked(x)), subject.run(asked(x)))
    assert not same(subject.run(asked(x)), subject.run(asked(x, seed=1)))


def test_a_tied_weight_is_one_parameter_with_one_gradient():
    subject = from_module(Tied())
    assert list(subject.parameters()) == ["embed.weight", "norm.weight", "norm.bias"]
    tensors = subject.run(asked(np.arange(6).reshape(2, 3)))
    assert names(tensors, Role.GRADIENT) == list(subject.parameters())
    assert not names(tensors, Role.INPUT_GRADIENT)  # tokens have none


def test_a_recurrent_layer_has_several_outputs():
    torch.manual_seed(0)

    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(3, 4, batch_first=True)

        def forward(self, x):
            return self.rnn(x)[0][:, -1]

    tensors = from_module(Last()).run(asked(normal(2, 5, 3)))
    assert names(tensors, Role.LAYER) == ["rnn.0", "rnn.1.0", "rnn.1.1"]
    assert names(tensors, Role.LAYER_GRADIENT) == ["rnn.0"]  # nothing uses the last hidden state


def test_an_encoder_shows_its_attention():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)
    tensors = from_module(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)).run(
        asked(normal(2, 5, 8))
    )
    layers = names(tensors, Role.LAYER)
    assert {"layers.0.self_attn", "layers.0.norm1", "layers.1.linear2", "layers.1"} <= set(layers)
    assert layers.index("layers.0.norm1") < layers.index("layers.0.self_attn") < layers.index("layers.0")
    assert names(tensors, Role.LAYER_GRADIENT) == layers[::-1]


def test_the_fast_path_of_attention_is_taken_as_without_hooks():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x = normal(2, 5, 8)
    got = from_module(layer).run(asked(x, backward=False))
    with torch.no_grad():
        expected = layer(torch.tensor(x)).numpy()
    assert got[TensorKey(Role.OUTPUT, "")].tobytes() == expected.tobytes()
    assert not names(got, Role.LAYER)  # one fused kernel, which calls no module


def test_layers_that_pack_rows_of_several_lengths_are_left_out():
    torch.manual_seed(0)
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()
    x, padding = normal(2, 5, 8), np.array([[False] * 5, [False] * 3 + [True] * 2])
    question = asked(x, padding, keywords=("src", "src_key_padding_mask"), backward=False)
    tensors = from_module(encoder).run(question)
    with torch.no_grad():
        expected = encoder(torch.tensor(x), src_key_padding_mask=torch.tensor(padding)).numpy()
    assert tensors[TensorKey(Role.OUTPUT, "")].tobytes() == expected.tobytes()
    assert not names(tensors, Role.LAYER)


def test_a_layer_called_several_times_is_counted():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.step = nn.Linear(4, 4)

        def forward(self, x):
            return self.step(self.step(x).tanh())

    tensors = from_module(Twice()).run(asked(normal(2, 4)))
    assert names(tensors, Role.LAYER) == ["step", "step#2"]
    assert names(tensors, Role.LAYER_GRADIENT) == ["step#2", "step"]


def test_a_layer_that_returns_its_input_has_a_gradient_of_its_own():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.drop = nn.Linear(4, 4), nn.Dropout(0.5)

        def forward(self, x):
            x = self.first(x)
            return x + 2 * self.drop(x)

    tensors = from_module(Residual().eval()).run(asked(normal(2, 4)))
    cotangent = asked().cotangent(0, (2, 4))
    assert np.array_equal(tensors[TensorKey(Role.LAYER_GRADIENT, "drop")], 2 * cotangent)
    assert np.array_equal(tensors[TensorKey(Role.LAYER_GRADIENT, "first")], cotangent + 2 * cotangent)


def test_what_a_layer_uses_itself_is_no_part_of_the_gradient_at_its_output():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, x):
            y = self.inner(x) * 2
            return y, y * 2

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = Block()

        def forward(self, x):
            y, z = self.block(x)
            return 3 * y + z

    subject = from_module(Net())
    free = subject.run(asked(normal(2, 4)))
    cotangent = asked().cotangent(0, (2, 4))
    assert np.array_equal(free[TensorKey(Role.LAYER_GRADIENT, "block.0")], 3 * cotangent)
    inner = free[TensorKey(Role.LAYER_GRADIENT, "block.inner")]
    assert np.array_equal(inner, 2 * (3 * cotangent + 2 * cotangent))
    layers = {key: x for key, x in free.items() if key.role in (Role.LAYER, Role.LAYER_GRADIENT)}
    assert same(subject.run(asked(normal(2, 4), forced=layers)), free)


@pytest.mark.parametrize("training", [True, False])
def test_what_follows_a_container_may_change_its_output_in_place(training):
    class Parts(nn.Module):
        def __init__(self, inplace):
            super().__init__()
            torch.manual_seed(0)
            self.first = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(0.5)))
            self.act = nn.LeakyReLU(0.1, inplace)

        def forward(self, x):
            return self.act(self.first(x))

    runs = [from_module(Parts(kind).train(training)).run(asked(normal(2, 3, 6, 6))) for kind in (True, False)]
    assert same(*runs)
    assert names(runs[0], Role.LAYER_GRADIENT) == ["act", "first", "first.0", "first.0.1", "first.0.0"]


def test_a_residual_network_shows_the_same_in_place_and_not():
    question = asked(normal(2, 3, 8, 8))
    in_place = from_module(residual(True)).run(question)
    assert same(in_place, from_module(residual(False)).run(question))
    layers = {key: x for key, x in in_place.items() if key.role in (Role.LAYER, Role.LAYER_GRADIENT)}
    assert len(layers) == 2 * len(names(in_place, Role.LAYER))  # each has its gradient
    assert same(in_place, from_module(residual(True)).run(asked(*question.inputs, forced=layers)))


def test_a_view_changed_in_place_has_no_gradient_that_can_be_followed():
    model = nn.Sequential(nn.Linear(4, 4), nn.Flatten(0), nn.ReLU(inplace=True))
    tensors = from_module(model).run(asked(normal(2, 4)))
    assert names(tensors, Role.LAYER_GRADIENT) == ["2", "0"]


def test_a_scripted_module_has_gradients():
    scripted = torch.jit.script(mlp())
    tensors = from_module(scripted).run(asked(normal(5, 4)))
    assert names(tensors, Role.GRADIENT) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_inputs_by_keyword_and_flags():
    class Keyed(nn.Module):
        def forward(self, *, a, b, doubled):
            assert doubled is True
            return (a + 2 * b) * a if doubled else a

    question = asked(normal(2, 4), normal(2, 4, seed=1), np.array(True), keywords=("b", "a", "doubled"))
    tensors = from_module(Keyed()).run(question)
    assert names(tensors, Role.INPUT_GRADIENT) == ["b", "a"]
    b, a, _ = question.inputs
    assert np.array_equal(tensors[TensorKey(Role.OUTPUT, "")], (a + 2 * b) * a)


@dataclass
class Pair:
    """Outputs with names."""

    hidden: object
    counts: object
    nothing: object = None


def test_outputs_in_containers_have_their_paths():
    class Several(nn.Module):
        def forward(self, x):
            hidden = {"first": x * 2, "rest": [x * 3, (x > 0).sum()]}
            return Pair(hidden, x.argmax(-1)), 7, None

    tensors = from_module(Several()).run(asked(normal(2, 4)))
    assert names(tensors, Role.OUTPUT) == ["0.hidden.first", "0.hidden.rest.0", "0.hidden.rest.1", "0.counts"]
    assert tensors[TensorKey(Role.OUTPUT, "0.counts")].dtype == np.int64
    first, second = (asked().cotangent(i, (2, 4)) for i in (0, 1))  # the floating ones are counted
    assert np.array_equal(tensors[TensorKey(Role.INPUT_GRADIENT, "0")], first * 2 + second * 3)


def test_what_has_no_gradient_is_missing_and_not_zero():
    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused, self.frozen = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
            self.frozen.requires_grad_(False)

        def forward(self, x):
            return self.frozen(self.used(x))

    subject = from_module(Unused())
    tensors = subject.run(asked(normal(2, 4)))
    assert names(tensors, Role.GRADIENT) == ["used.weight", "used.bias"]
    assert "frozen.weight" in subject.parameters()


def test_without_backward_there_are_no_gradients():
    roles = {key.role for key in from_module(conv_net()).run(asked(normal(2, 3, 8, 8), backward=False))}
    assert roles == {Role.LAYER, Role.OUTPUT, Role.STATE}


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointed_layers_are_seen_once(reentrant):
    checkpointed = from_module(Checkpointed(reentrant)).run(asked(normal(2, 4)))
    assert names(checkpointed, Role.LAYER) == ["a", "b"]
    assert names(checkpointed, Role.LAYER_GRADIENT) == ["b", "a"]
    assert same(checkpointed, from_module(Checkpointed(None)).run(asked(normal(2, 4))))


def test_a_derivative_inside_the_model_is_not_the_gradient_at_a_layer():
    class Force(nn.Module):
        def __init__(self):
            super().__init__()
            self.energy = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))

        def forward(self, x):
            energy = self.energy(x)
            return energy, torch.autograd.grad(energy.sum(), x, create_graph=True)[0]

    tensors = from_module(Force()).run(asked(normal(2, 3)))
    assert np.array_equal(tensors[TensorKey(Role.LAYER_GRADIENT, "energy")], asked().cotangent(0, (2, 1)))
    assert names(tensors, Role.GRADIENT)


def test_transformed_calls_run_and_their_layers_stay_inside():
    class Mapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, x):
            return torch.func.vmap(self.inner)(x)

    tensors = from_module(Mapped()).run(asked(normal(3, 4)))
    assert not names(tensors, Role.LAYER)
    assert names(tensors, Role.GRADIENT) == ["inner.weight", "inner.bias"]


def test_a_container_with_several_outputs_and_parts_called_by_number():
    class Stack(nn.ModuleList):
        def forward(self, x):
            return x, self[0](x)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stack = Stack([nn.Linear(4, 4)])

        def forward(self, x):
            return self.stack(x)[1]

    tensors = from_module(Net()).run(asked(normal(2, 4)))
    assert names(tensors, Role.LAYER) == ["stack.0", "stack.output.0", "stack.1"]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_inputs_that_the_dtype_of_the_model_holds_are_given_in_it(dtype):
    x = np.asarray([[1, 0.5, -2, 3]], np.float32)
    tensors = from_module(mlp().to(dtype)).run(asked(x))
    expected = np.float32 if dtype is torch.bfloat16 else np.float64
    assert {array.dtype for array in tensors.values()} == {np.dtype(expected)}
