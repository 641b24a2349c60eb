"""The pages of the site in one folder: docs/, the README as the first page, and every file that is linked to.

A page links to code and results as files of the checkout, so that it can be read on disk and on the web. The
site has no checkout beside it: each file that is linked to becomes a page under source/, with its text as it
is, and a folder a list of its files.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

CHECKOUT = Path(__file__).resolve().parents[2]
HOME, CHANGES = "README.md", "CHANGELOG.md"
#: A link or picture of Markdown: what stands before its target, and the target.
LINK = re.compile(r"(!?\[[^\]]*\]\()([^()\s]+)(?=\))")
FENCED = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
#: Files whose text is a page of its own, with the language that it is highlighted as; others are copied.
SHOWN = {".py": "python", ".toml": "toml", ".ini": "ini", ".txt": "text", ".yml": "yaml", "": "text"}
#: At the head of what is neither in the table of contents nor found by the search.
APART = "---\norphan: true\nnosearch: true\n---\n\n"


def stage(folder: Path, contents: str) -> None:
    """Write all pages to a folder; ``contents`` is the table of contents, the end of the first one."""
    shutil.copytree(CHECKOUT / "docs", folder, ignore=shutil.ignore_patterns("site"), dirs_exist_ok=True)
    for path in sorted(_linked()):
        place = folder / on_site(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.suffix != ".md":
            shutil.copyfile(CHECKOUT / path, place)
            continue
        text = led(_page(path), path)
        place.write_text(f"{text}\n{contents}" if path == HOME else text, encoding="utf-8")


def on_site(path: str) -> str:
    """Return where the site has a file or folder of the checkout."""
    if path in (HOME, CHANGES):
        return "index.md" if path == HOME else "changelog.md"
    if (CHECKOUT / path).is_dir():
        return f"source/{path}/index.md"
    if PurePosixPath(path).suffix in SHOWN:
        return f"source/{path}.md"
    return path.removeprefix("docs/") if path.startswith("docs/") else f"source/{path}"


def led(text: str, path: str) -> str:
    """Return the text of a page with its links to files of the checkout led to where the site has them."""
    here = posixpath.dirname(on_site(path)) or "."

    def lead(link: re.Match[str]) -> str:
        target = _target(path, link[2])
        if target is None or not (CHECKOUT / target).exists():
            return link[0]
        anchor = link[2].partition("#")[1:]
        return link[1] + posixpath.relpath(on_site(target), here) + "".join(anchor)

    return _outside_of_code(text, lambda plain: LINK.sub(lead, plain))


def _linked() -> set[str]:
    """Return the files and folders that the site has: all pages, and whatever is linked to from them."""
    pages = sorted(str(page.relative_to(CHECKOUT)) for page in (CHECKOUT / "docs").rglob("*.md"))
    waiting, found = [HOME, CHANGES, *pages], set[str]()
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if path.endswith(".md"):
            waiting += _targets(path)
    return found


def _targets(page: str) -> Iterator[str]:
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    for _, link in LINK.findall(FENCED.sub("", text)):
        path = _target(page, link)
        if path is not None and (CHECKOUT / path).exists():
            yield path


def _target(page: str, link: str) -> str | None:
    """Return what a link of a page leads to, from the checkout on; None where that is elsewhere."""
    if "://" in link or link.startswith(("#", "mailto:")):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link.partition("#")[0]))


def _page(path: str) -> str:
    there = CHECKOUT / path
    if there.is_dir():
        names = sorted(one.name for one in there.iterdir() if one.name[0] not in "._")
        return "\n".join([f"{APART}# {path}", "", *(f"- {name}" for name in names), ""])
    text = there.read_text(encoding="utf-8")
    if path.endswith(".md"):
        return text if path in (HOME, CHANGES) or path.startswith("docs/") else APART + text
    return f"{APART}# {path}\n\n~~~~~~{SHOWN[there.suffix]}\n{text}\n~~~~~~\n"


def _outside_of_code(text: str, change: Callable[[str], str]) -> str:
    """Return a text changed, but for its fenced blocks."""
    end, pieces = 0, []
    for block in FENCED.finditer(text):
        pieces += [change(text[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*pieces, change(text[end:])])
