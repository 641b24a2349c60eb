"""The Fashion-MNIST tutorial: five epochs, a test after each, and the trained parameters saved and loaded.

PyTorch's "Quickstart" trains 784-512-512-10 with plain gradient descent from a start that it does not fix, so
its prints are one draw of many. Here they lie in a band around ours, which is as wide as starts differ. What
needs all of the data set is skipped where it is not; the files go round between all rungs in any case.
"""

from __future__ import annotations

import json
from functools import cache

import pytest

from samestep import data
from samestep.catalog.catalog import Catalog
from tests.made.places import VALUES
from tests.tutorials.carry_weights import SHOWN, carry
from tests.tutorials.train_epochs import RUNGS, trained

pytest.importorskip("safetensors")

TUTORIALS = VALUES / "tutorial_values.json"
PUBLISHED = json.loads(TUTORIALS.read_text(encoding="utf-8"))["fashion_mlp"]
CATALOG = Catalog()
FRAMEWORKS = sorted({rung.framework for rung in CATALOG.implementations("mnist_mlp")})

#: The standard deviations over ten starts (seeds 2 to 11), after each epoch. Two draws of one distribution
#: are further apart than BAND of them once in 370 times.
ACCURACY_VARIES = (7.0, 2.2, 1.7, 0.7, 0.4)
TEST_LOSS_VARIES = (0.013, 0.035, 0.034, 0.021, 0.015)
FIRST_LOSS_VARIES = 0.006
#: The framework of the tutorial trains for all five epochs, the others for the first.
FIVE = "torch"
BAND = 3 * 2**0.5


@cache
def missing() -> str | None:
    """Why the data set cannot be had; None where it is here, every byte right."""
    try:
        data.load("fashion")
    except data.DataMissing as error:
        return str(error)
    return None


@pytest.fixture
def all_images() -> None:
    if reason := missing():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def learned(tmp_path_factory):
    """What one framework makes of its epochs: what it prints, and the file of its parameters."""
    folder = tmp_path_factory.mktemp("fashion")

    @cache
    def train(framework: str):
        file = folder / f"{RUNGS[framework]}.safetensors"
        epochs = None if framework == FIVE else 1
        return trained(f"mnist_mlp:fashion/{RUNGS[framework]}", save=file, epochs=epochs), file

    return train


@pytest.mark.parametrize("framework", RUNGS)
def test_the_epochs_print_what_the_tutorial_prints(framework, need, all_images, learned):
    need(framework)
    epochs, _ = learned(framework)
    assert abs(epochs[0]["first_loss"] - PUBLISHED["first_loss"]) <= BAND * FIRST_LOSS_VARIES
    rows = zip(*PUBLISHED["tutorial_test"].values(), ACCURACY_VARIES, TEST_LOSS_VARIES, strict=True)
    assert len(epochs) == (5 if framework == FIVE else 1)
    for epoch, (accuracy, loss, accuracy_varies, loss_varies) in zip(epochs, rows, strict=False):
        mine = f"{epoch['accuracy_percent']:.1f} % and {epoch['test_loss']:.6f}"
        print(f"{framework}: {mine} (printed: {accuracy} % and {loss})")
        assert abs(epoch["accuracy_percent"] - accuracy) <= BAND * accuracy_varies
        assert abs(epoch["test_loss"] - loss) <= BAND * loss_varies


def test_all_frameworks_reach_the_same_accuracy(catalog, all_images, learned):
    present = [framework for framework in RUNGS if not catalog.missing(framework)]
    if len(present) < 2:
        pytest.skip(f"only {present[0]} is installed")
    reached = {framework: learned(framework)[0][0]["accuracy_percent"] for framework in present}
    print(reached)
    assert max(reached.values()) - min(reached.values()) <= 0.3


@pytest.mark.parametrize("framework", RUNGS)
def test_what_was_trained_elsewhere_sees_an_ankle_boot(framework, catalog, need, all_images, learned):
    need(framework)
    here = [name for name in RUNGS if not catalog.missing(name)]
    files = [learned(name)[1] for name in here]
    for answers in carry("read", framework, files[0].parent, dataset="fashion").values():
        for file in files:
            answer = answers[file.stem]
            assert answer["differ"] == []
            assert answer["same"] == SHOWN
            if file.stem == RUNGS[FIVE]:
                assert PUBLISHED["classes"][answer["classes"][0]] == "Ankle boot"


# -- the files, without the data set -----------------------------------------------------------------------


@pytest.fixture(scope="session")
def files(catalog, tmp_path_factory):
    """A folder with the parameters of every rung of every framework that is here, after two steps."""
    folder = tmp_path_factory.mktemp("weights")
    for framework in FRAMEWORKS:
        if not catalog.missing(framework):
            carry("write", framework, folder)
    return folder


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_rung_goes_on_with_the_parameters_of_every_other(framework, catalog, need, files):
    need(framework)
    written = {file.stem for file in files.iterdir()}
    rungs = catalog.implementations("mnist_mlp")
    assert written == {rung.name for rung in rungs if not catalog.missing(rung.framework)}

    answers = carry("read", framework, files)
    assert set(answers) == {rung.name for rung in rungs if rung.framework == framework}
    for rung, seen in answers.items():
        assert set(seen) == written
        for file, answer in seen.items():
            assert answer["differ"] == [], f"{rung} exports another {answer['differ']} than {file} saved"
            assert answer["same"] == SHOWN, f"{rung} with the parameters of {file}"
