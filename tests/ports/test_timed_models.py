"""What is timed of a port file is what was verified: the same outputs and loss, and weights that move."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import samestep
from samestep.frameworks import Settings, Unavailable
from samestep.measure.timed_tasks import TimedCandidate, TimedTasks
from samestep.measure.turns import Turns
from samestep.models.timed_model import RATE
from samestep.ports.building import write_weights
from samestep.ports.catalogs import catalog_of
from samestep.ports.timing import TIMED
from samestep.workers.open_candidate import open_candidate
from samestep.workers.raw_requests import Subject
from tests.ports.made_ports import IN_NUMPY, TORCH_TO_JAX


@pytest.fixture
def opened(tmp_path):
    """The sides of a port file as candidates to be timed, by name."""

    def open_all(text):
        path = tmp_path / "port.py"
        path.write_text(text, encoding="utf-8")
        catalog, weights = catalog_of([path]), tmp_path / "weights"
        write_weights(catalog.ports["port"], weights)
        sides = {}
        for rung in catalog.implementations("port"):
            adapter = catalog.load_adapter(rung.framework).Adapter(Settings())
            given = weights if catalog.takes_weights("port", rung.name) else None
            subject = Subject("port", rung.name, "given", weights=given)
            sides[rung.name] = open_candidate(catalog, adapter, Settings(), subject, TimedCandidate)
        return sides

    return open_all


def test_a_port_file_is_a_workload(tmp_path):
    path = tmp_path / "port.py"
    path.write_text(IN_NUMPY, encoding="utf-8")
    catalog = catalog_of([path])
    assert catalog.usable("port")
    assert catalog.of_own_folders == ("port",)
    assert "two_layer" in catalog.workloads
    assert catalog.spec("port").baseline == "loop"
    assert [rung.name for rung in catalog.implementations("port")] == ["loop", "right", "no-bias"]
    assert catalog.implementations("port")[1].text().startswith("@samestep.candidate\ndef right(w):")
    assert catalog.spec("port").tasks["forward"].inputs == ("x", "flip")
    assert (catalog.judged_in("port"), catalog.judged_in("two_layer")) == (("numpy",), ())


def test_numpy_functions_have_a_forward_pass_alone(opened):
    sides = opened(IN_NUMPY)
    outputs = {name: TimedTasks(side).call("forward")() for name, side in sides.items()}
    assert all(TimedTasks(side).names == ["forward"] for side in sides.values())
    verdict = samestep.compare(lambda: outputs["right"], lambda: outputs["loop"], ()).verdict
    assert outputs["right"].shape == (4, 3)
    assert verdict != "disagree"


def test_timed_calls_are_those_that_were_verified(opened):
    pytest.importorskip("jax")
    torch = pytest.importorskip("torch")
    sides = opened(TORCH_TO_JAX.replace("optimizer=sgd", "").replace("optimizer=pair", "loss=None"))
    arguments = SimpleNamespace(**{name: side.arguments("train_step") for name, side in sides.items()})
    state = sides["pytorch"].adopt({})
    weights = {name: value.clone() for name, value in state.export(state).items()}
    new, loss = state.train_step(state, *arguments.pytorch)
    own = {name: value.clone().requires_grad_() for name, value in weights.items()}
    outputs = torch.tanh(arguments.pytorch[0] @ own["0.weight"].T + own["0.bias"])
    expected = torch.nn.functional.cross_entropy(outputs, arguments.pytorch[1])
    expected.backward()
    assert torch.equal(loss, expected)
    for name, value in state.export(new).items():
        assert torch.equal(value, weights[name] - RATE * own[name].grad)
    again = sides["pytorch"].adopt({})
    assert all(torch.equal(value, weights[name]) for name, value in again.export(again).items())

    given = sides["given"]
    start = given.adopt({})
    stepped, value = given.module.train_step(start, *arguments.given)
    x = np.asarray(arguments.given[0])
    mine = samestep.Model(lambda params, x: given.module.forward(start, x), {}, framework="jax")
    theirs = samestep.Model(lambda params, x: state._called(state.still, (x,)), {}, framework="torch")
    result = samestep.compare(mine, theirs, (x,), variants=False)
    assert result.verdict == "agree", result
    assert {*stepped.parameters} == {*start.parameters}
    assert all((stepped.parameters[name] != start.parameters[name]).any() for name in start.parameters)
    assert np.float32(value).dtype == np.float32(expected.item()).dtype


def test_a_sample_that_others_have_changed_is_doubted(opened):
    (side, *_) = opened(IN_NUMPY).values()
    turns = Turns(TimedTasks(side))
    turns.make_ready("forward", 3, 5, judged=True)
    turns.take()
    assert turns.doubt_of_repeated() is None
    turns.taken.returned[0] += 1
    assert turns.doubt_of_repeated() == (
        "forward: the last of 3 timed calls has other bits than the same calls again"
    )


def test_a_framework_that_is_not_timed_is_unavailable(opened, monkeypatch):
    monkeypatch.delitem(TIMED, "numpy")
    with pytest.raises(Unavailable, match="models of numpy are not timed yet, those of torch, jax are"):
        opened(IN_NUMPY)
