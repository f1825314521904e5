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
)
# A function is replaced by one that does the same. This one must survive.
CONTROL = Mutant("nothing wrong", "mlp, sgd", "loss", "a control: the planting alone kills nothing")
