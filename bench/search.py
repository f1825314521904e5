"""The search of a claim: one setting of every arm, chosen before the runs.

    python -m bench.search --claim optimizers --framework numpy --results results/standard
        --arms sgd adam --settings '{...}' --out results/standard/search/optimizers.json

Every arm is run at every value of its grid, on the search's own seeds; the value with the smallest
mean of the search's metric is chosen, and a value at which a run diverged never is, unless all did.
The runs are kept as those of the claim are, so that a search that was killed goes on.
"""

import argparse
import math
from pathlib import Path
from typing import Any

from bench import command, store
from bench.run import Workshop, add_arguments

SCHEMA_VERSION = 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Choose a setting for every arm of a claim.")
    add_arguments(parser)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    workshop = Workshop(arguments, f"search/{arguments.claim}")
    search = workshop.claim.search
    assert search is not None, "the plan searches only where the claim says so"
    asked = [
        (arm, value, seed)
        for arm in arguments.arms
        for value in search.grid.get(arm, ())
        for seed in search.seeds
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
    workshop.reporter.report(1.0, f"{len(asked)} runs of the search finished")
    return 0


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
