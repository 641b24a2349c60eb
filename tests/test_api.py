"""`samestep.open_cell`: one cell as a candidate, or an error of one line."""

from __future__ import annotations

import numpy as np
import pytest

import samestep
from samestep import SamestepError, open_cell
from samestep.agreement.examination.tensor_check import Place
from samestep.frameworks import Unavailable
from samestep.measure.timed_tasks import TimedCandidate
from samestep.spec import Inputs
from tests.made.rungs import GOOD, MANUAL, root


def test_a_cell_is_its_implementation_on_the_inputs_of_its_case():
    candidate = open_cell("two_layer:tiny/numpy_manual")
    assert candidate.module.__name__ == "samestep.impls.two_layer.numpy_manual"
    assert candidate.numbers == candidate.spec.cases["tiny"].numbers
    assert {array.dtype.name for array in candidate.params.values()} == {"float32"}
    outputs, state = candidate.run(Place(0, "train_step"), candidate.adopt(candidate.params))
    assert outputs["loss"].dtype == "float32"
    assert set(candidate.export(state)) == set(candidate.params)


def test_the_same_seed_draws_the_same_inputs_in_every_dtype():
    one, same, other = (open_cell("two_layer:tiny/numpy_manual", dtype="float64", seed=s) for s in (0, 0, 1))
    single = open_cell("two_layer:tiny/numpy_manual")
    for name, array in one.arrays.items():
        assert (same.arrays[name] == array).all()
        assert (other.arrays[name] != array).any()
        assert (single.arrays[name] == array.astype("float32")).all()


def test_a_workload_with_one_default_case_needs_no_case():
    assert (
        open_cell("scalar_relu/numpy_manual").case
        is open_cell("scalar_relu:worked_example/numpy_manual").case
    )


def test_a_case_may_have_other_sizes():
    assert open_cell("two_layer:tiny[batch=3]/numpy_manual").arrays["x"].shape[0] == 3


def test_inputs_may_be_given_and_are_read_only():
    made = open_cell("two_layer:tiny/numpy_manual", dtype="float64")
    inputs = Inputs(made.params, {**made.arrays, "x": 2 * made.arrays["x"]})
    candidate = open_cell("two_layer:tiny/numpy_manual", inputs=inputs)
    assert (candidate.arrays["x"] == inputs.arrays["x"].astype("float32")).all()
    with pytest.raises(ValueError, match="read-only"):
        candidate.arrays["x"][:] = 0


def test_inputs_that_are_given_need_no_data_set(monkeypatch):
    monkeypatch.setattr("samestep.catalog.inputs.load", lambda name: pytest.fail(f"{name} was loaded"))
    params = {"w1": np.zeros((1, 1))}
    assert list(open_cell("mnist_mlp:fashion/numpy_manual", inputs=Inputs(params, {})).params) == ["w1"]


def test_an_implementation_may_come_from_further_folders_or_a_file(tmp_path):
    folder = root(tmp_path / "impls", {"numpy_good": GOOD})
    assert open_cell("rigged/numpy_good", roots=[folder]).spec.summary == "x @ w, sum of squares"
    file = tmp_path / "mine.py"
    file.write_text(MANUAL)
    assert open_cell("rigged:other", roots=[folder], file=file).numbers["steps"] == 2


def test_the_class_of_the_candidate_may_be_chosen():
    assert type(open_cell("two_layer:tiny/numpy_manual", kind=TimedCandidate)) is TimedCandidate


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("two_layer:tiny", r"^'two_layer:tiny' means \d+ cells: name one of two_layer:tiny/n.*, \.\.\.$"),
        ("two_layer:tiny/numpy_*", r"means 2 cells: name one of \S+/numpy_manual, \S+/numpy_inplace$"),
        ("two_layer:tiny/numpie", "no implementation of two_layer matches 'numpie'; there are numpy"),
        ("two_layer:huge/numpy_manual", "no case of two_layer matches 'huge'; there are tutorial, "),
        ("two_layer/", "is not a valid selector"),
    ],
)  # fmt: skip
def test_a_selector_that_does_not_mean_one_cell_is_an_error_of_one_line(selector, message):
    with pytest.raises(SamestepError, match=message) as raised:
        open_cell(selector)
    assert "\n" not in str(raised.value)


def test_a_framework_that_is_not_installed_or_has_no_such_device_is_unavailable(tmp_path):
    folder = root(tmp_path / "impls", {"ghost_manual": GOOD})
    (folder / "frameworks").mkdir()
    (folder / "frameworks" / "ghost.py").write_text('import ghost\nDISTRIBUTIONS = ("ghost-net",)\n')
    with pytest.raises(Unavailable, match=r"^ghost is not installed: python -m pip install ghost-net$"):
        open_cell("rigged/ghost_manual", roots=[folder])
    with pytest.raises(Unavailable, match="NumPy computes on the CPU only"):
        open_cell("two_layer:tiny/numpy_manual", device="gpu")


def test_the_public_names_are_found_when_they_are_asked_for():
    assert samestep.open_cell is open_cell
    assert set(samestep.__all__) <= {*dir(samestep)} == set(samestep.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = samestep.nonsense
