"""Gradient accumulation: several small batches step as one large batch.

The loss is a mean over examples, so that the gradient of a batch of B is the mean of the gradients
of its k parts of B / k examples each:

    dE/dw = (1/B) sum_b dE_b/dw = (1/k) sum_j (k/B) sum_{b in part j} dE_b/dw

which lets a batch that does not fit into memory step as a whole. Batch norm is the exception: each
part is normalized by its own statistics, and that is another net.
"""

import math
from collections.abc import Sequence

import numpy as np

from bench.contract import Gradients
from bench.errors import ContractError


def averaged(parts: Sequence[Gradients]) -> Gradients:
    """What apply() takes for all parts at once: mean terms and gradients.

    The parts hold equally many examples each. The evaluation is the last part's, its buffers
    included: the running statistics of the others are lost, as running statistics of batches that
    were seen at the same weights have no order. Raises ContractError for no parts, or parts that
    differ in their names.
    """
    if not parts:
        raise ContractError("no gradients to average")
    first = parts[0]
    for part in parts[1:]:
        if part.terms.keys() != first.terms.keys():
            raise ContractError(f"terms {sorted(part.terms)} beside {sorted(first.terms)}")
        if part.gradients.keys() != first.gradients.keys():
            raise ContractError(
                f"gradients of {sorted(part.gradients)} beside {sorted(first.gradients)}"
            )
    return Gradients(
        terms={
            name: math.fsum(part.terms[name] for part in parts) / len(parts) for name in first.terms
        },
        gradients={
            name: np.mean([part.gradients[name] for part in parts], axis=0)
            for name in first.gradients
        },
        evaluation=parts[-1].evaluation,
    )
