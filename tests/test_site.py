"""The pages of the site: links into the checkout lead to pages that are gathered beside them."""

from __future__ import annotations

import re
import sys

import pytest

from tests.made.places import CHECKOUT

sys.path.insert(0, str(CHECKOUT / "docs/site"))
stage = pytest.importorskip("stage")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    stage.stage(folder, "the contents")
    return folder


def test_the_first_page_is_the_readme_with_the_contents(pages):
    text = (pages / "index.md").read_text(encoding="utf-8")
    assert text.startswith("# samestep")
    assert text.endswith("the contents")


def test_every_relative_link_leads_to_a_page_or_a_file(pages):
    broken = [
        (str(page.relative_to(pages)), link)
        for page in pages.rglob("*.md")
        for _, link in stage.LINK.findall(stage.FENCED.sub("", page.read_text(encoding="utf-8")))
        if "://" not in link and not link.startswith("#")
        if not (page.parent / link.partition("#")[0]).exists()
    ]
    assert broken == []


def test_a_file_of_code_is_a_page_with_its_text_that_the_search_leaves_out(pages):
    text = (pages / "source/impls/two_layer/numpy_manual.py.md").read_text(encoding="utf-8")
    assert (CHECKOUT / "impls/two_layer/numpy_manual.py").read_text(encoding="utf-8") in text
    assert text.startswith(stage.APART)


def test_a_link_in_code_stays_as_it_is():
    text = "[a](../README.md#two-commands)\n```\n[a](../README.md)\n```\n"
    assert stage.led(text, "docs/limits.md") == "[a](index.md#two-commands)\n```\n[a](../README.md)\n```\n"


def test_the_contents_name_every_page():
    named = set(
        re.findall(r"^\w+$", (CHECKOUT / "docs/site/contents.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert named - {"changelog"} == {page.stem for page in (CHECKOUT / "docs").glob("*.md")}
