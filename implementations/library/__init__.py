"""What a user of each library writes out of the box: its own layers, optimizer and loop.

A file a framework, and the nets of its layers under nets/. The written-out nets of the folders
beside this one are compared with these nets (tests/natives), and the native variants are timed
against these loops: a form that is "fast" is to be faster than what the library itself offers.

The same in each file:

    FORMS                                      the ways in which a user of the library trains
    build(spec, update, config, form, rate)    a Loop of bench/timing/loops.py

Settings are aligned where the library has a setting: the constants of Adam and of batch norm, the
padding of a convolution. Everything else is the library's default, that of speed above all. What it
has no word for is refused: dropout, whose masks it draws itself, and every update but Adam of all
parameters in training.

All numbers in a Loop's arrays stand under canonical names and in canonical layout. The rate is
given once, as a user gives it to an optimizer.
"""

from collections.abc import Collection, Sequence

from bench import ranges
from bench.contract import TRAINING, Arrays, Update
from bench.errors import UserError
from bench.spec import Spec, check_batch

RATE = 1e-3  # that of Kingma and Ba


def check(
    library: str,
    architectures: Collection[str],
    forms: Sequence[str],
    spec: Spec,
    update: Update,
    form: str,
) -> None:
    """Raise UserError for what the library's loop does not train."""
    ranges.choice(f"form of {library}", form, forms)
    if spec.architecture not in architectures:
        raise UserError(
            f"{spec.architecture} is not written in {library}'s own layers here; "
            f"written are {', '.join(architectures)}"
        )
    if any(name.startswith("dropout/") for name in spec.inputs):
        raise UserError(f"{library} draws the masks of dropout itself: take a net without dropout")
    if any(weight != 1 for weight in spec.options.get("class_weights", ())):
        raise UserError(f"{library}'s loss weighs classes in another way: take weights of 1")
    usual = Update(update.objective, ("",), update.optimizer, TRAINING)
    if update.optimizer.name != "adam" or update != usual or update.objective != "cross_entropy":
        raise UserError(f"{library}'s loop trains all parameters by Adam on cross_entropy alone")


def check_batches(spec: Spec, batches: Sequence[Arrays]) -> None:
    """Raise UserError for batches that a loop cannot go round in."""
    for batch in batches:
        check_batch(spec, batch)
    sizes = {len(batch["y"]) for batch in batches}
    if len(sizes) != 1:
        raise UserError(f"a loop needs batches, all of one size, got {sorted(sizes)} examples")
