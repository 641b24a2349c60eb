"""The ports of examples/ are right, and each mistake that a README tells of prints what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.made.places import CHECKOUT
from tests.made.stories import mistaken, run_test, stories, tolerances_said, words

EXAMPLES = CHECKOUT / "examples"
NEEDS = {"gpt": ("torch", "jax", "optax"), "resnet": ("torch", "jax", "flax"), "tagger": ("torch", "keras")}


@pytest.fixture(params=NEEDS)
def folder(request: pytest.FixtureRequest, one_thread: None) -> Iterator[Path]:
    for package in NEEDS[request.param]:
        pytest.importorskip(package)
    return EXAMPLES / request.param


def in_a_process_with_keras_on_torch(folder: Path) -> None:
    """Run the test of a folder where nobody has imported Keras on another backend yet."""
    asked = [__file__, "-k", f"{folder.name} and readme", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *asked], cwd=CHECKOUT, capture_output=True, text=True, check=False,
        env={**os.environ, "KERAS_BACKEND": "torch"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.slow
def test_a_port_is_right_and_its_mistakes_print_what_the_readme_says(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if folder.name == "tagger" and os.environ.get("KERAS_BACKEND") != "torch":
        in_a_process_with_keras_on_torch(folder)
        return
    import samestep

    few = partial(samestep.assert_agreement, replicas=8)  # the words are the same
    monkeypatch.setattr(samestep, "assert_agreement", few)
    run_test(folder)
    told = stories(folder / "README.md")
    assert len(told) == 3
    for story, said in zip(told, tolerances_said(folder / "README.md"), strict=True):
        with mistaken(story, tmp_path), pytest.raises(samestep.AgreementError) as caught:
            run_test(folder)
        assert words(str(caught.value)) == words(story.printed)
        judged = [t.function for t in caught.value.result.judged if t.key.role.name == "OUTPUT"]
        off = max(function.error for function in judged if function is not None)
        assert said == {most: off > float(most) for most in said}


def test_the_table_of_examples_names_every_folder():
    found = {path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert found == set(NEEDS)
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\((\w+)/README\.md\)", readme)) == found
