"""Build the site:  python docs/site/build.py FOLDER

It is read offline: it loads nothing from elsewhere, and its search works on a file system. A link that leads
nowhere, or anything else that Sphinx warns of, is an error.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from sphinx.cmd.build import build_main
from stage import stage

HERE = Path(__file__).resolve().parent


def main() -> int:
    [out] = sys.argv[1:]
    with tempfile.TemporaryDirectory() as pages:
        stage(Path(pages), (HERE / "contents.md").read_text(encoding="utf-8"))
        return build_main(["-q", "-W", "--keep-going", "-c", str(HERE), pages, out])


if __name__ == "__main__":
    sys.exit(main())
