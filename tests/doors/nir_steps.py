"""A NIR graph run step by step, written without the project's reader: each node by its equation, loops one step late."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def stepped(graph: Any, x: Array) -> tuple[Array, Array]:
    """Run a graph on inputs [step, image, ...]; return the sum of its output over all steps, and the last one."""
    state = dict[str, Array]()
    outputs = dict[str, Array]()
    order = _order(graph)
    total, last = np.zeros(0), np.zeros(0)
    for now in x:
        for name in order:
            given = [outputs[source] for source, to in graph.edges if to == name and source in outputs]
            arriving = now if name == "input" else np.sum(given, axis=0)
            outputs[name] = output_of(graph.nodes[name], name, np.asarray(arriving), state)
        last = outputs["output"]
        total = last if not total.size else total + last
    return total, last


def _order(graph: Any) -> list[str]:
    """Order nodes so that each comes after what it reads, but for inhibition, which reads the step before."""
    left, order = [name for name in graph.nodes if not name.endswith("inhibition")], list[str]()
    while left:
        for name in left:
            needed = {source for source, to in graph.edges if to == name and not source.endswith("inhibition")}
            if needed <= {*order}:
                order.append(name)
                left.remove(name)
                break
        else:
            raise AssertionError(f"a loop among {left}")
    return order + [name for name in graph.nodes if name.endswith("inhibition")]


def output_of(node: Any, name: str, x: Array, state: dict[str, Array]) -> Array:
    """Work out what a node gives; ``state`` keeps potentials, by name."""
    kind = type(node).__name__
    if kind in ("Input", "Output"):
        return x
    if kind in ("Affine", "Linear"):
        return x @ node.weight.T + getattr(node, "bias", 0.0)
    if kind == "Conv2d":
        size = node.weight.shape[2:]
        seen = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))[
            :, :, :: node.stride[0], :: node.stride[1]
        ]
        return np.einsum("nchwij,kcij->nkhw", seen, node.weight, optimize=True) + node.bias[:, None, None]
    if kind == "SumPool2d":
        a, b = (int(size) for size in node.kernel_size)
        n, k, h, w = x.shape
        return x.reshape(n, k, h // a, a, w // b, b).sum(axis=(3, 5))
    if kind == "Threshold":
        return (x > node.threshold).astype(float)
    if kind == "Flatten":
        return x.reshape(len(x), -1)
    v = state.get(name, 0.0) + node.r * x
    fired = (v > node.v_threshold).astype(float) if kind == "IF" else None
    state[name] = v if fired is None else np.where(fired > 0, 0.0, v)
    return v if fired is None else fired
