"""The tables of docs/operations.md, made from the tables that the array types read.

``python -m tests.made.operations_page`` puts them into the page.
"""

from __future__ import annotations

import re

import numpy as np

from samestep.agreement.arithmetic.contractions import CONTRACTIONS
from samestep.agreement.arithmetic.followed_code import CONVERTING, MAKING, SUMS_OF_EXPONENTIALS
from samestep.agreement.arithmetic.moves import MOVES
from samestep.agreement.arithmetic.numpy_functions import FUNCTIONS, METHODS
from samestep.agreement.arithmetic.reductions import REDUCING_FUNCTIONS
from samestep.agreement.arithmetic.rules import COMPARISONS, RULES
from samestep.agreement.arithmetic.ufunc_methods import UFUNC_METHODS, VECTOR_PRODUCTS
from samestep.agreement.arithmetic.unknown_operation import SUBSTITUTES, name_of
from tests.made.places import CHECKOUT

PAGE = CHECKOUT / "docs/operations.md"


def _listed(names):
    return " ".join(f"`{name}`" for name in sorted(set(names), key=str.lower))


def known():
    """Rows of what is followed: (kind, names)."""
    others = FUNCTIONS.keys() - MOVES.keys() - CONTRACTIONS.keys() - REDUCING_FUNCTIONS.keys()
    elementwise = [f"np.{name}" for name in RULES if hasattr(np, name)] + [name_of(u) for u in COMPARISONS]
    scipy = [f"scipy.special.{name}" for name in (*RULES, *SUMS_OF_EXPONENTIALS) if not hasattr(np, name)]
    return [
        ("elementwise", elementwise),
        ("of SciPy", scipy),
        ("moves and choices", map(name_of, MOVES)),
        ("sums, extremes, orders", map(name_of, REDUCING_FUNCTIONS)),
        ("products", [*map(name_of, CONTRACTIONS), *map(name_of, VECTOR_PRODUCTS)]),
        ("arrays that are made", [*(f"np.{n}" for n in (*CONVERTING, *MAKING)), *map(name_of, others)]),
        ("methods", [f"x.{name}" for name in METHODS]),
        ("methods of ufuncs", [f"np.add.{name}" for name in UFUNC_METHODS]),
    ]


def tables():
    """The two tables as Markdown."""
    rows = [f"| {kind} | {_listed(names)} |" for kind, names in known()]
    instead = [f"| {_shown(name)} | {_shown(use)} |" for name, use in sorted(SUBSTITUTES.items())]
    return (
        "\n".join(["| | |", "|---|---|", *rows]),
        "\n".join(["| not followed | write |", "|---|---|", *instead]),
    )


def _shown(text):
    """Names and expressions as code; sentences as they are."""
    is_sentence = re.search(r"[a-z] (of|on|from|and|or|with|itself|the)\b|,", text)
    return text if is_sentence and "(" not in text.replace("()", "") else f"`{text}`"


def main():
    """Put the tables between the page's marks."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in zip(("known", "instead"), tables(), strict=True):
        before, mark, rest = text.partition(f"<!-- {name} -->\n")
        text = f"{before}{mark}\n{table}\n\n{rest[rest.index('<!-- end -->') :]}"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
