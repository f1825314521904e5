"""The search of a claim: one setting of every arm, chosen before the runs.

    python -m bench.search --claim optimizers --framework numpy --results results/standard
        --arms sgd adam --seeds 9001 9002 --settings '{...}'
        --out results/standard/search/optimizers.json

Every arm is run at every value of its grid, on the search's own seeds; the value with the smallest
mean of the search's metric is chosen, and a value at which a run diverged never is, unless all did.
The runs are kept as those of the claim are, so that a search that was killed goes on.
"""

import argparse
import math
import sys
from pathlib import Path
from typing import Any

from bench import command, jobs, store
from bench.errors import UserError
from bench.measure import Past
from bench.run import Workshop, command_line, natural

SCHEMA_VERSION = 1


def main() -> int:
    parser = command_line("Choose a setting for every arm of claims.")
    parser.add_argument("--seeds", type=natural, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    return jobs.computed(jobs.parsed(parser, sys.argv[1:]), compute)


def compute(arguments: argparse.Namespace, past: Past) -> None:
    """All runs of one claim's search, and what they choose."""
    workshop = Workshop(arguments, f"search/{arguments.claim}", past)
    search = workshop.claim.search
    if search is None:
        raise UserError(f"the claim {arguments.claim} searches nothing")
    asked = [
        (arm, value, seed)
        for arm in arguments.arms
        for value in search.grid.get(arm, ())
        for seed in arguments.seeds
    ]
    home = store.folder(arguments.results, arguments.claim, "search")
    tried: list[dict[str, Any]] = []
    with workshop.opened(home):
        for position, (arm, value, seed) in enumerate(asked):
            settings = {**arguments.settings, search.setting: value}
            folder = home / store.run_name(f"{arm}-{value:g}", seed)
            outcome = workshop.run(folder, arm, seed, settings, (position, len(asked)), {})
            score = outcome["metrics"][search.metric]
            tried.append({"arm": arm, "value": value, "seed": seed, "score": score})
    workshop.check_inputs()
    chosen = {arm: choose(arm, tried) for arm in dict.fromkeys(arm for arm, *_ in asked)}
    ends = {arm: (search.grid[arm][0], search.grid[arm][-1]) for arm in chosen}
    found = {
        "schema_version": SCHEMA_VERSION,
        "claim": arguments.claim,
        "framework": arguments.framework,
        "setting": search.setting,
        "metric": search.metric,
        "chosen": chosen,
        "at_edge": [arm for arm, value in chosen.items() if value in ends[arm]],
        "tried": tried,
    }
    store.write_file(arguments.out, store.canonical(found))
    workshop.finish(f"{len(asked)} runs of the search finished")


def choose(arm: str, tried: list[dict[str, Any]]) -> float:
    """The value with the smallest mean score over its seeds; the smaller value of equal ones."""
    scores: dict[float, list[float]] = {}
    for entry in tried:
        if entry["arm"] == arm:
            lost = entry["score"] is None
            scores.setdefault(entry["value"], []).append(math.inf if lost else entry["score"])
    return min(scores, key=lambda value: (sum(scores[value]) / len(scores[value]), value))


if __name__ == "__main__":
    command.run(main)
