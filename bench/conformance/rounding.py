"""How far rounding carries a net away from itself: a study, by which a comparison is chosen.

    python -m bench.conformance.rounding --model resnet --optimizer adam --steps 50 --batch-size 32

The reference runs beside itself in lock-step. Every parameter of one of the two starts one unit in
the last place away, up or down. What they differ by at the end is what any two correct
implementations may differ by, and a tolerance must leave room for it.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench import command, threads
from bench.conformance import cases, lockstep, players
from bench.conformance.lockstep import Quantity
from bench.contract import System
from bench.randomness import stream

UNIT = float(np.finfo(np.float64).eps)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", required=True, choices=sorted(cases.NETS))
    parser.add_argument("--optimizer", required=True, choices=sorted(cases.OPTIMIZERS))
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0, help="of the directions, up or down")
    parser.add_argument("--data-dir", type=Path, default=None)
    given = parser.parse_args()
    threads.pin(1)
    case = cases.Case(given.model, given.optimizer, "float64", given.steps, given.batch_size)
    for name, quantity in grown(case, given.seed, given.data_dir).items():
        print(f"{name:15} {quantity.largest:.1e} of {quantity.limit:.0e}   {quantity.tensor or ''}")
    return 0


def grown(case: cases.Case, seed: int, data_dir: Path | None = None) -> dict[str, Quantity]:
    """The largest deviation of every quantity from the reference that started a unit away."""
    reference = players.reference()
    disturb = one_unit_away(seed)
    compared = lockstep.compare(
        reference, reference, case, players.REFERENCE, data_dir, disturb=disturb
    )
    return compared.quantities


def one_unit_away(seed: int) -> Callable[[int, System], None]:
    """Before the first step: p <- p (1 + u) or p (1 - u) with u the unit in the last place of 1."""

    def disturb(step: int, system: System) -> None:
        if step > 0:
            return
        state, draws = system.export(), stream(seed, "rounding")
        moved = {
            name: array * (1 + UNIT * draws.choice((-1.0, 1.0), array.shape))
            for name, array in state.parameters.items()
        }
        system.load(replace(state, parameters=moved))

    return disturb


if __name__ == "__main__":
    command.run(main)
