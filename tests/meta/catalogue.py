"""The bugs, each of them real somewhere, with the comparison and the quantity that must show it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    name: str
    scenario: str
    quantity: str
    seen: str  # where this was seen, or why somebody writes it


MUTANTS = (
    Mutant("adam epsilon hat", "mlp, adam", "parameter", "Keras adds epsilon to sqrt(v)"),
    Mutant(
        "adam epsilon inside the root", "mlp, adam", "parameter", "as the course deck prints it"
    ),
    Mutant(
        "adam correction off by one", "mlp, adam", "parameter", "steps counted from 0 or from 1"
    ),
    Mutant("adam beta2 of 0.99", "mlp, adam", "second_moment", "a habit from RMSprop"),
    Mutant("momentum holds the rate", "mlp, momentum", "parameter", "Keras: v <- mu v - lr g"),
    Mutant("nesterov for momentum", "mlp, momentum", "parameter", "a flag left on"),
    Mutant("summed loss", "mlp, sgd", "loss", "reduction of the loss"),
    Mutant("clipped probabilities", "extreme logits", "loss", "Keras clips at 1e-7"),
    Mutant("frozen bias", "mlp, sgd", "gradient", "a parameter left out of the tape"),
    Mutant("transposed weight", "mlp, sgd", "loss", "(out, in) against (in, out)"),
    Mutant("batches in another order", "mlp, sgd", "loss", "a shuffle of its own"),
    Mutant("relu slope 1 at zero", "blank images", "gradient", "clamp(min=0) and tf.maximum"),
    Mutant("flattened channels first", "lenet, adam", "loss", "NCHW against NHWC"),
    Mutant("flipped kernel", "strided convolution", "output", "convolution against correlation"),
    Mutant("same padding", "strided convolution", "output", "TensorFlow's SAME at stride 2"),
    Mutant("ties share the gradient", "tied pooling", "gradient", "pooling by amax or reduce_max"),
    Mutant("last maximum", "tied pooling", "gradient", ">= in place of >"),
    Mutant("biased running variance", "batch norm", "buffer", "Keras and flax keep the biased one"),
    Mutant("decay of the new value", "batch norm", "buffer", "PyTorch's momentum is 1 - decay"),
    Mutant("batch norm epsilon of 1e-3", "batch norm", "loss", "Keras's default"),
    Mutant(
        "statistics without gradient", "batch norm", "gradient", "mean and variance as constants"
    ),
    Mutant(
        "frozen batch norm",
        "convolutional batch norm",
        "loss",
        "trainable=False, or eval() left on",
    ),
    Mutant("dropout never scaled", "inverted dropout", "loss", "the deck's mask without its test"),
    Mutant(
        "rate for keep", "inverted dropout", "loss", "probability of zeroing against of keeping"
    ),
    Mutant("deck dropout unscaled at test", "deck dropout at test", "output", "half of the recipe"),
    Mutant("mask put upside down", "deck dropout", "loss", "a mask of what is dropped"),
    Mutant("adagrad epsilon inside the root", "sigmoid", "parameter", "Keras and optax"),
    Mutant("adagrad from 0.1", "sigmoid", "accumulator", "Keras and optax start there"),
    Mutant("rate outside of the deck's velocity", "batch norm", "velocity", "the usual form"),
    Mutant("hard sigmoid", "sigmoid", "loss", "Keras 2 in recurrent cells: 0.2 x + 0.5"),
    Mutant("schedule a step late", "sigmoid", "rate", "Keras's PiecewiseConstantDecay"),
    Mutant("decay in stairs", "tanh", "rate", "staircase=True"),
    Mutant("average pooling by the sum", "convolutional batch norm", "loss", "a forgotten divisor"),
    Mutant("parts summed", "accumulation", "gradient", "backward() adds; nobody divided the loss"),
    Mutant("the last part alone", "accumulation", "gradient", "zero_grad() inside of the loop"),
    Mutant(
        "parts weighted alike",
        "accumulation",
        "gradient",
        "Transformers until 4.46; Keras and optax know no sizes",
    ),
    Mutant("decay without its half", "weight decay", "parameter", "keras.regularizers.L2 has none"),
    Mutant("shifts do not decay", "weight decay", "parameter", "recipes leave vectors out"),
    Mutant("activation before the addition", "residual net", "loss", "relu of the branch alone"),
    Mutant(
        "shortcut of averages",
        "residual net",
        "loss",
        "pooled in place of every second pixel",
    ),
    Mutant(
        "stride on the 3x3 convolution", "residual net", "loss", "torchvision's bottleneck, v1.5"
    ),
    Mutant("batch norm that does not freeze", "residual net", "output", "training=True left on"),
    Mutant("index off by one", "segnet", "loss", "Torch7 counted from 1"),
    Mutant("index counted by columns", "segnet", "loss", "MATLAB's order"),
    Mutant("mean of weights", "segnet", "loss", "PyTorch's weighted cross-entropy"),
    Mutant("rotation the other way", "convolutional batch norm", "loss", "rows that grow upwards"),
)
# A function is replaced by one that does the same. This one must survive.
CONTROL = Mutant("nothing wrong", "mlp, sgd", "loss", "a control: the planting alone kills nothing")
