"""Weight decay in PyTorch: the gradient of a penalty on the size of the parameters.

    E + (w/2) sum p^2        dE/dp + w p

Krogh and Hertz (1992), "A simple weight decay can improve generalization". It is added to the
gradient before the update rule, so that it passes through a momentum: as weight_decay of
torch.optim.SGD, and unlike that of AdamW.
Every parameter that the update moves decays: biases, and batch norm's scale and shift, too.
"""

from collections.abc import Mapping

import torch
from torch import Tensor


@torch.no_grad()
def decayed(
    gradients: Mapping[str, Tensor], parameters: Mapping[str, Tensor], decay: float
) -> dict[str, Tensor]:
    """g <- g + w p, name by name; neither is changed."""
    return {name: g.add(parameters[name], alpha=decay) for name, g in gradients.items()}
