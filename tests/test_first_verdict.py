"""The page of the first five minutes: what it shows is what happens, with one framework beside NumPy."""

from __future__ import annotations

import re
import sys

import pytest

from tests.made.documented import block, page

PAGE = page("first_verdict")
FRAMEWORKS = ("torch", "jax", "keras")
#: The line of the port that each section mends.
WRONG = "    h = (h - h.mean(-1, keepdims=True)) / (h.std(-1, keepdims=True) + 1e-5)\n"


@pytest.fixture(autouse=True)
def fresh_names():
    """Keras counts the layers of a process in their names."""
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session()


def words(text: str) -> list[str]:
    """Return the lines with every number as #."""
    return [re.sub(r"-?\d[\d.]*(e[+-]\d+)?", "#", line) for line in text.splitlines()]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_mistake_is_found_as_the_page_says(framework):
    pytest.importorskip(framework)
    pytest.importorskip("jax" if framework == "keras" else framework)
    import samestep

    with pytest.raises(samestep.AgreementError) as caught:
        exec(block(PAGE, f"first {framework}"), {})
    assert words(f"samestep.AgreementError: {caught.value}") == words(block(PAGE, f"output {framework}"))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_line_that_mends_it_does(framework, capsys):
    pytest.importorskip(framework)
    pytest.importorskip("jax" if framework == "keras" else framework)
    import samestep

    names: dict[str, object] = {}
    first = block(PAGE, f"first {framework}")
    assert first.count(WRONG) == 1
    exec(first.replace(WRONG, block(PAGE, f"mended {framework}")), names)
    if framework == "torch":
        port = samestep.Model(names["port"], names["weights"])
        result = samestep.compare(port, names["model"], (names["x"],))
        assert words(str(result)) == words(block(PAGE, "output torch mended"))
