"""Gradient accumulation in PyTorch: parts of a batch step as the batch does.

The loss is a mean over examples. For parts of B_1, ..., B_k examples, B in all, with g_j the
gradient of the mean over part j alone,

    dE/dw = (1/B) sum_b dE_b/dw = sum_j (B_j / B) g_j

which is the mean of the g_j where the parts are equal, and only there. A batch that does not fit
into memory steps as a whole, part by part; all that is kept between them is the mean so far:

    m_j = m_{j-1} + (B_j / (B_1 + ... + B_j)) (g_j - m_{j-1})        m_k = dE/dw

backward() adds to .grad, which holds a sum: there the loss of each part is first multiplied by
B_j / B.

Batch norm is the exception: each part is normalized by its own statistics, an output depends on the
part that its example is in, and m_k is the gradient of another net. Running statistics, averaged as
gradients are, move once a step: the running mean as by the whole batch, the running variance by the
mean of the variances within the parts. k forward passes one after another would move them k times.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from bench import ranges
from bench.errors import ContractError


def accumulate(
    mean: dict[str, Tensor] | None, gradients: Mapping[str, Tensor], share: float
) -> dict[str, Tensor]:
    """mean <- mean + share (g - mean), name by name. Changes the mean in place.

    `share` is this part's of all examples so far, itself included; before the first part the mean
    is None. Raises UserError for a share outside of (0, 1], ContractError for another name or
    shape.
    """
    ranges.number("share", share, ranges.PROBABILITY)
    if mean is None:
        return {name: gradient.clone() for name, gradient in gradients.items()}
    if _shapes(mean) != _shapes(gradients):
        raise ContractError(f"a part of {_shapes(gradients)} beside {_shapes(mean)}")
    for name, gradient in gradients.items():
        mean[name].lerp_(gradient, share)
    return mean


def averaged(parts: Sequence[Mapping[str, Tensor]], examples: Sequence[int]) -> dict[str, Tensor]:
    """sum_j (B_j / B) g_j, name by name, where `examples` holds the B_j. No part is changed.

    Raises ContractError for no parts, not one count for each, or parts that differ in a name or a
    shape; UserError for a count that is not positive.
    """
    if not parts:
        raise ContractError("no gradients to average")
    if len(examples) != len(parts):
        raise ContractError(f"{len(parts)} parts, and counts of examples for {len(examples)}")
    for count in examples:
        ranges.number("examples of a part", count, ranges.POSITIVE)
    mean, seen = accumulate(None, parts[0], 1.0), examples[0]
    for gradients, count in zip(parts[1:], examples[1:], strict=True):
        seen += count
        mean = accumulate(mean, gradients, count / seen)
    return mean


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}
