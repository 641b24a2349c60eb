"""tensor_ops: what is done to arrays before any network is there: made, shaped, picked from, reduced, shared.

Nothing is trained, so there are no params. What only moves numbers about must come out the same bit for bit.
Who shares storage with whom is seen by writing through one name and returning what stands under the others.
"""

from samestep.spec import Case, Inputs, Spec, Task


def make_inputs(case, rng, dataset):
    import numpy as np  # here, so that `samestep list` need not load it

    if not case.fixed:
        s = case.sizes
        rows, columns, depth = s["rows"], s["columns"], s["depth"]
        a, b, w = (
            rng.standard_normal(shape) for shape in ((rows, columns), (rows, columns), (columns, rows))
        )
        row, column = rng.standard_normal((1, columns)), rng.standard_normal((rows, 1))
        cube, vector = rng.standard_normal((rows, columns, depth)), rng.standard_normal(columns)
    else:
        a, b = np.arange(1.0, 7).reshape(2, 3), np.full((2, 3), 2.0)
        w, vector = np.array([[1.0, 0.5], [-1.0, 2.0], [0.25, 3.0]]), np.array([2.0, 2.0, 2.0])
        row, column = np.array([[1.0, 2.0]]), np.array([[1.0], [2.0], [3.0]])
        cube = np.arange(1.0, 25).reshape(2, 3, 4)
    arrays = {"a": a, "b": b, "w": w, "vector": vector, "row": row, "column": column, "cube": cube}
    return Inputs(params={}, arrays=arrays)


def product_flops(case):
    """a @ w, and a @ vector."""
    s = case.sizes
    return 2.0 * s["rows"] * s["columns"] * (s["rows"] + 1)


def task(inputs, outputs, flops=lambda case: 0.0):
    """Operations are counted in matrix products; most tasks have none."""
    return Task(tuple(inputs.split()), tuple(outputs.split()), flops)


SPEC = Spec(
    summary="making, shaping, indexing, joining, reducing and sharing arrays; nothing is trained",
    cases={
        "worked_example": Case(
            sizes={"rows": 2, "columns": 3, "depth": 4},
            fixed=("rows", "columns", "depth"),
            default=True,
            summary="small enough to print",
        ),
        "drawn": Case(sizes={"rows": 30, "columns": 400, "depth": 5}, summary="from a normal distribution"),
    },
    tasks={
        "create": task("a", "zeros ones sevens steps identity"),
        "arithmetic": task("a b", "added subtracted multiplied divided squared"),
        "broadcast": task("row column", "table repeated"),
        "reshape": task("cube", "flat folded turned swapped unsqueezed squeezed"),
        "index": task("cube", "corner block rows masked is_large"),
        "join": task("a b", "joined_0 joined_1 stacked"),
        "reduce": task("a", "sum_all sum_0 sum_1 mean_all mean_0 mean_1 std_0 std_1 largest place"),
        "products": task("a b w vector", "matmul elementwise applied", product_flops),
        "in_place": task("a b", "total alias row_of copied picked"),
        "cast": task("a", "whole truth half precise"),
        "bridge": task("a", "shared copied returned width"),
    },
    make_inputs=make_inputs,
    conventions={
        "std": "divides by n - 1",
        "cast to an integer": "towards 0",
        "cast of float64 to float16": "by way of float32",
        "the place of the largest": "the first of equals",
    },
    axes=lambda case: {
        "a": "rc", "b": "rc", "w": "cr", "vector": "c",
        "row": "..", "column": "..", "cube": "...",
    },
    probes=("nan", "overflow"),
    unsuited={
        "nan_parameter": "there are no params",
        "integers": "quotients and roots round",
        "powers_of_two": "what is made from nothing does not scale",
        "ties": "there is no relu",
        "large_logits": "there is no softmax",
    },
    lesson=True,
)  # fmt: skip
