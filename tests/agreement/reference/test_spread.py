"""Three tests of a tensor in units of its spread, and what is kept of it on disk."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.arithmetic.noise import Noise
from samestep.agreement.examination.tensor_statistics import pooled_scale, tensor_statistics
from samestep.agreement.findings import TensorStatistics
from samestep.agreement.reference import spread_cache
from samestep.agreement.reference.run import Reference
from samestep.agreement.reference.spread import measure_spreads
from samestep.agreement.reference.spread_cache import SpreadCache, from_arrays, to_arrays
from samestep.catalog.catalog import REFERENCE, Catalog
from tests.made.planting import case_values

CATALOG = Catalog()


def reference(dtype="float32"):
    module = CATALOG.load(CATALOG.implementation("two_layer", REFERENCE))
    return Reference(module, CATALOG.spec("two_layer"), dtype)


@pytest.fixture(scope="module")
def looked():
    point = case_values(CATALOG, "two_layer", "tutorial", "float32")
    return reference().exact("trace", point).all, reference().spreads("trace", point, 24)


def test_honest_is_far_from_every_limit(looked):
    exact, spreads = looked
    for name, spread in spreads.items():
        about = tensor_statistics(exact[name].astype(np.float32), exact[name], spread, None)
        assert about.breach is None, name
        assert about.share < 1


def test_params_that_all_move_by_the_same_step_round_alike():
    """Adam's first step: near 0.1 float32 holds no step of 1e-6, and the nearest one is shorter for all."""
    step, w = 1e-6, np.random.default_rng(0).uniform(0.07, 0.12, 1000).astype(np.float32)

    def run(tape):
        return {"w": Noise.exact(w, tape) - Noise.rounded(step, tape)}

    spread, exact = measure_spreads(run, {"w": w}, "float32", 24)["w"], w.astype(np.float64) - step
    honest = tensor_statistics(w - np.float32(step), exact, spread, w)
    assert honest.breach is None
    assert abs(honest.scale) > spread.scale_limit  # independent roundings would not do that
    assert tensor_statistics(w - np.float32(1.01 * step), exact, spread, w).breach in ("norm", "scale")


@pytest.mark.parametrize(
    ("mistake", "test"),
    [
        (lambda g: g * (1 + 2e-6), "norm"),
        (lambda g: g * (1 + 6e-7), "scale"),
        (lambda g: g + (np.arange(g.size).reshape(g.shape) == 7) * 1e-3 * np.abs(g).max(), "elements"),
    ],
)
def test_each_mistake_is_seen_by_the_test_that_is_made_for_it(looked, mistake, test):
    exact, spreads = looked
    value = exact["grad_w1"]
    assert tensor_statistics(mistake(value), value, spreads["grad_w1"], None).breach == test


def test_nan_is_a_breach_and_what_is_not_finite_in_the_reference_is_left_out(looked):
    exact, spreads = looked
    value, got = exact["h"].copy(), exact["h"].copy()
    value[0, 0], got[0, 0] = np.inf, 3.0
    assert tensor_statistics(got, value, spreads["h"], None).breach is None


def test_float64_limits_are_doubled_and_its_sigma_smaller():
    point = case_values(CATALOG, "two_layer", "tiny", "float32")
    wide = case_values(CATALOG, "two_layer", "tiny", "float64")
    single, double = reference().spreads("trace", point, 24), reference("float64").spreads("trace", wide, 24)
    assert double["h"].limit == 2 * single["h"].limit
    ratio = np.median(single["h"].sigma / double["h"].sigma)
    assert 2.0**28.5 < ratio < 2.0**29.5


def test_a_spread_survives_a_file(looked, tmp_path):
    _, spreads = looked
    np.savez(tmp_path / "s.npz", **to_arrays(spreads))
    with np.load(tmp_path / "s.npz") as arrays:
        again = from_arrays({name: arrays[name] for name in arrays.files})
    for name, spread in spreads.items():
        assert (again[name].sigma == spread.sigma).all()
        assert again[name].norm_limit == spread.norm_limit
        assert again[name].scale_limit == spread.scale_limit
        assert (again[name].terms, again[name].replicas) == (spread.terms, spread.replicas)


class Maker:
    def __init__(self, spreads):
        self.spreads, self.calls = spreads, 0

    def __call__(self):
        self.calls += 1
        return self.spreads


def test_what_was_worked_out_is_kept(looked, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path))
    make = Maker(looked[1])
    SpreadCache().get("key", make), SpreadCache().get("key", make)
    assert make.calls == 1
    SpreadCache(largest=0).get("key", make)
    assert make.calls == 2


def test_a_damaged_file_is_made_again(looked, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path))
    make = Maker(looked[1])
    SpreadCache().get("key", make)
    [file] = tmp_path.glob("spreads/*.npz")
    for content in (b"", b"no archive", file.read_bytes()[:100]):
        file.write_bytes(content)
        found = SpreadCache().get("key", make)
        assert (found["h"].sigma == looked[1]["h"].sigma).all()
    assert make.calls == 4


def test_a_folder_that_cannot_be_written_breaks_nothing(looked, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path / "file"))
    make = Maker(looked[1])
    assert SpreadCache().get("key", make) is looked[1]


def test_the_oldest_go_first(looked, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path))
    make = Maker({"h": looked[1]["h"]})
    for key in "abc":
        SpreadCache().get(key, make)
    size = (tmp_path / "spreads" / "a.npz").stat().st_size
    SpreadCache(largest=3 * size).get("d", make)
    assert sorted(file.stem for file in tmp_path.glob("spreads/*.npz")) == ["b", "c", "d"]


def test_everything_that_it_follows_from_is_in_the_name():
    array = np.arange(6.0)
    assert spread_cache.digest(array) != spread_cache.digest(array.reshape(2, 3))
    assert spread_cache.digest(array) != spread_cache.digest(array.astype(np.float32))
    assert spread_cache.digest("a", "b") != spread_cache.digest("ab")


def test_a_factor_that_each_step_hides_shows_over_all_of_them():
    def step(scale: float, limit: float) -> TensorStatistics:
        return TensorStatistics(1, 1, 1.0, 0.0, 1.0, 0.0, 1.0, scale, limit, ())

    factor, limit = pooled_scale([step(0.75, 1.0)] * 4)
    assert (factor, limit) == (0.75, 0.5)
    scattered, _ = pooled_scale([step(0.75, 1.0), step(-0.75, 1.0)])
    assert scattered == 0
    hidden, limit = pooled_scale([step(0.75, 1.0), step(0.0, 1 / 1024)])
    assert abs(hidden) < limit < 1 / 1024  # the step that knows better has the word
