"""The page of the first five minutes: what it shows is what happens, with one framework beside NumPy."""

from __future__ import annotations

import re

import pytest

from tests.made.places import CHECKOUT

PAGE = (CHECKOUT / "docs/first_verdict.md").read_text(encoding="utf-8")
FRAMEWORKS = ("torch", "jax", "keras")
#: The line of the port that each section mends.
WRONG = "    h = (h - h.mean(-1, keepdims=True)) / (h.std(-1, keepdims=True) + 1e-5)\n"


def block(name: str) -> str:
    """Return the block of code or of output that a comment of the page names."""
    [text] = re.findall(rf"<!-- {name} -->\n\n```(?:python)?\n(.*?)```", PAGE, re.DOTALL)
    return text


def words(text: str) -> list[str]:
    """Return the lines with every number as #."""
    return [re.sub(r"-?\d[\d.]*(e[+-]\d+)?", "#", line) for line in text.splitlines()]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_mistake_is_found_as_the_page_says(framework):
    pytest.importorskip(framework)
    pytest.importorskip("jax" if framework == "keras" else framework)
    import samestep

    with pytest.raises(samestep.AgreementError) as caught:
        exec(block(f"first {framework}"), {})
    assert words(f"samestep.AgreementError: {caught.value}") == words(block(f"output {framework}"))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_line_that_mends_it_does(framework, capsys):
    pytest.importorskip(framework)
    pytest.importorskip("jax" if framework == "keras" else framework)
    import samestep

    names: dict[str, object] = {}
    first = block(f"first {framework}")
    assert first.count(WRONG) == 1
    exec(first.replace(WRONG, block(f"mended {framework}")), names)
    if framework == "torch":
        port = samestep.Model(names["port"], names["weights"])
        result = samestep.compare(port, names["model"], (names["x"],))
        assert words(str(result)) == words(block("output torch mended"))
