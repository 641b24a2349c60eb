"""The pages on one's own models: their code runs, and prints what the pages say, numbers aside."""

from __future__ import annotations

import pytest

from tests.made.documented import CODE, page, printed
from tests.made.places import CHECKOUT
from tests.made.stories import words

pytest.importorskip("torch")
pytest.importorskip("jax")

PAGE = page("your_model")
BLOCKS = CODE.findall(PAGE)


@pytest.fixture(scope="module")
def port():
    """What the page's first block raises, and its names."""
    import samestep

    names: dict[str, object] = {}
    with pytest.raises(samestep.AgreementError) as caught:
        exec(BLOCKS[0], names)  # the page's first example
    return str(caught.value), names


def test_the_port_is_found_wrong_as_the_page_says(port):
    assert words(port[0]) == words(printed(PAGE, "port"))


def test_the_readme_shows_the_same_port():
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert BLOCKS[0] in readme
    assert printed(PAGE, "port") in readme


def test_limits_print_what_the_page_says(port, capsys):
    exec(BLOCKS[-1], port[1])
    lines = words(capsys.readouterr().out)
    shown = words(printed(PAGE, "limits"))
    assert lines[: len(shown)] == shown


@pytest.mark.parametrize(("title", "name"), [("weaker_arithmetic", "weaker"), ("is_it_normal", "limits")])
def test_a_page_prints_what_it_says(title, name, capsys):
    text = page(title)
    [code] = CODE.findall(text)
    exec(code, {})
    assert words(capsys.readouterr().out) == words(printed(text, name))


def test_the_page_on_failures_shows_the_same_port():
    assert printed(PAGE, "port") in page("reading_a_failure")
