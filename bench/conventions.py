"""Every constant on which frameworks disagree, chosen once, each with its reason.

No implementation relies on a framework's default. Numbers that stand here are passed explicitly.
What is not a number is done by every implementation:

* Arrays cross borders channels-last: images (batch, height, width, channels), convolution kernels
  (height, width, in, out), dense weights (in, out). TensorFlow, JAX and NumPy compute in this
  layout; PyTorch computes channels-first and converts at its border.
* The derivative of ReLU at exactly 0 is 0, as in every framework's own relu (not in maximum(x, 0)).
* Losses are means over the batch, taken from logits: probabilities are clipped by some frameworks.
* Among equal entries of a pooling window the first in row-major order is the maximum, and it alone
  receives the gradient. Where it was is its position in the window, counted for each channel.
* The losses of pixels, weighted by their class, are divided by the number of pixels. PyTorch's
  weighted mean divides by the sum of the weights.
* An image that is enlarged has its pixel centers at halves, and its border held outside of it.
* Data are normalized with the deviation of the population, sum / N. torch.std divides by N - 1.
* Weight decay w adds w p to the gradient, behind a clipping and before the update rule, for every
  parameter that is moved. Keras's optimizers shrink the weights beside the rule.
* A schedule counts steps from 0, and a new rate is in force at its boundary. Keras's
  PiecewiseConstantDecay changes one step later.
"""

from collections.abc import Callable

from bench.optimizers import Optimizer, adam

# Padding is a number of zeros on every side. The word "SAME" is not used: at stride 2 TensorFlow
# and JAX put the odd zero at the bottom right, PyTorch's padding=1 puts zeros on both sides.
LENET_PADDING = 1

# Adam, Algorithm 1 of Kingma and Ba (2015): epsilon is added to the square root of the
# bias-corrected second moment. Keras adds it to the uncorrected one ("epsilon hat") and uses 1e-7.
ADAM_BETA1 = 0.9
ADAM_BETA2 = 0.999
ADAM_EPSILON = 1e-8

# Momentum: v <- mu v + g, p <- p - lr v. Keras folds the learning rate into v, which is the same
# only while the learning rate does not change.
MOMENTUM = 0.9

# Batch norm: running <- decay running + (1 - decay) batch, so that decay is the weight of the old
# value, as in Keras (PyTorch's momentum is 1 - decay). The batch is normalized by its biased
# variance, sum / m, and the running variance takes the unbiased one, sum / (m - 1), as Algorithm 2
# of Ioffe and Szegedy (2015) asks for and PyTorch does; Keras and flax keep the biased one.
BATCH_NORM = {"decay": 0.9, "epsilon": 1e-5, "unbiased": True}

# Adagrad (Duchi, Hazan and Singer, 2011) starts from 0 and adds epsilon to the root. Keras and
# optax start from 0.1 and add epsilon inside.
ADAGRAD_EPSILON = 1e-10


def usual_adam(form: Callable[..., Optimizer] = adam, epsilon: float = ADAM_EPSILON) -> Optimizer:
    """Adam, or the deck's form of it, with the constants above."""
    return form(ADAM_BETA1, ADAM_BETA2, epsilon)
