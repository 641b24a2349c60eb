"""The documents: every relative link leads somewhere; code and versions are those of the files they quote."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.made.places import CHECKOUT

PAGES = sorted(
    page
    for folder in ("", "docs", "results", "results/agreement", "results/measuring")
    for page in (CHECKOUT / folder).glob("*.md")
)
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
FENCED = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
#: What the documents call a file of the checkout, in backticks or in a command.
FILE = re.compile(
    r"(?<![\w/.-])((?:harness|impls|tests|docs|results)/[\w./-]*\.(?:py|md|json|svg|csv|txt))\b"
)

#: A module that is run: python -m tests.evidence.readme.
MODULE = re.compile(r"python -m ((?:tests|samestep)[\w.]*\w)")


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = HEADING.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path, text: str) -> list[str]:
    """Return the relative links of a page's text that lead to no file, or to no heading of it."""
    broken = []
    for link in LINK.findall(FENCED.sub("", text)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


def missing_files(text: str) -> list[str]:
    """Return the files and modules of the checkout that a text names and that are not there."""
    missing = [name for name in FILE.findall(text) if not (CHECKOUT / name).exists()]
    for module in MODULE.findall(text):
        path = CHECKOUT / ("harness" if module.startswith("samestep") else "") / module.replace(".", "/")
        if not (path.with_suffix(".py").exists() or (path / "__main__.py").exists()):
            missing.append(module)
    return missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_leads_somewhere(page):
    assert broken_links(page, page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "link", ["docs/no_such_page.md", "docs/decisions.md#no-such-decision", "#no-such-heading"]
)
def test_a_link_that_leads_nowhere_is_found(link):
    text = (
        f"[there](docs/house.md#the-rooms-of-harnesssamestep), [elsewhere](https://x.invalid), [here]({link})"
    )
    assert broken_links(CHECKOUT / "README.md", text) == [link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_file_that_is_named_exists(page):
    text = page.read_text(encoding="utf-8").replace("impls/two_layer/torch_mine.py", "")  # yet to be written
    assert missing_files(text) == []


def test_a_file_that_does_not_exist_is_found():
    text = "`harness/duck.py`, tests/test_cells.py, python -m tests.evidence, python -m tests.evidence.none"
    assert missing_files(text) == ["harness/duck.py", "tests.evidence.none"]


def test_the_readme_shows_the_file_that_it_checks():
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(def train_step.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert code in (CHECKOUT / "docs/mistakes/torch_relu_as_clamp.py").read_text(encoding="utf-8")


def test_the_house_names_every_room():
    house = (CHECKOUT / "docs/house.md").read_text(encoding="utf-8")
    rooms = [path.parent.name for path in (CHECKOUT / "harness/samestep").glob("*/__init__.py")]
    assert [room for room in rooms if f"`{room}/`" not in house] == []


def test_the_hooks_take_the_versions_of_the_constraints():
    hooks = (CHECKOUT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    pinned = re.findall(r"[\w-]+==[\w.]+", hooks)
    assert pinned
    assert set(pinned) <= set((CHECKOUT / "constraints.txt").read_text(encoding="utf-8").split())
