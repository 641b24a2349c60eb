"""What a file says of itself, read without running it."""

from __future__ import annotations

import pytest

from samestep.catalog.source_facts import SourceFacts, first_paragraph, source_facts, summary_line
from samestep.errors import SamestepError

TEXT = '''
"""The idea,
in two lines.

And more.
"""
import math
from torch.nn import functional as F

READ_AFTER = "numpy_manual"
REQUIRES = ("keras", "sklearn")
STEPS = 3 * 4
MIXED = ("keras", 3)


def train(state):
    import jax

    return state


class Net:
    pass
'''


def test_the_facts_of_a_file(tmp_path):
    (tmp_path / "torch_mine.py").write_text(TEXT)
    found = source_facts(tmp_path / "torch_mine.py")
    assert found.bound == ("F", "READ_AFTER", "REQUIRES", "STEPS", "MIXED", "train", "Net")
    assert found.constants == {"READ_AFTER": "numpy_manual", "REQUIRES": ("keras", "sklearn")}
    assert set(found.imported) == {"math", "torch", "jax"}


def test_a_constant_is_one_text_or_several():
    facts = SourceFacts((), {"ONE": "a", "TWO": ("a", "b")}, ())
    assert [facts.text(name) for name in ("ONE", "TWO", "NONE")] == ["a", None, None]
    assert [facts.texts(name) for name in ("ONE", "TWO", "NONE")] == [("a",), ("a", "b"), ()]


def test_the_summary_is_the_first_paragraph_in_one_line():
    assert (
        summary_line(TEXT)
        == first_paragraph("The idea,\n  in two lines.\n\nAnd more.")
        == "The idea, in two lines."
    )
    assert summary_line("x = 1") == summary_line("def adopt(:") == first_paragraph(None) == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"def train(:\n", r"jax_mine\.py is not Python: invalid syntax"),
        (b"\0", r"jax_mine\.py is not Python"),
        (b"\xff", r"jax_mine\.py cannot be read: "),
        (None, r"jax_mine\.py cannot be read: .*No such file"),
    ],
)
def test_a_file_that_cannot_be_read_or_is_not_python_is_named(tmp_path, content, message):
    file = tmp_path / "jax_mine.py"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SamestepError, match=message):
        source_facts(file)
