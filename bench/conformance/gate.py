"""The exit code of conformance: 0 when every comparison passed, every planted bug was caught and no
row of the atlas is red.

python -m bench.conformance.gate results/standard
"""

import argparse
from pathlib import Path

from bench import command, store
from bench.atlas import sentence
from bench.errors import UserError


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Judge conformance.json, mutants.json and atlas.json."
    )
    parser.add_argument("results", type=Path, help="results/<budget>")
    results = parser.parse_args().results
    for name in ("conformance.json", "mutants.json", "atlas.json"):
        if not (results / name).is_file():
            raise UserError(f"{results / name} does not exist yet: run make conformance first")
    records = store.read(results / "conformance.json")
    mutants = store.read(results / "mutants.json")
    atlas = store.read(results / "atlas.json")
    failed = [record for record in records if not record["passed"]]
    survived = [mutant for mutant in mutants if not mutant["killed"]]
    red = [row for row in atlas if row["red"]]
    for record in failed:
        print(
            f"{record['framework']}, {record['model']}, {record['optimizer']}, {record['dtype']}:"
        )
        print(f"  {record['first_divergence']['sentence']}")
    for mutant in survived:
        print(f"{mutant['framework']}: the planted bug '{mutant['mutant']}' was not caught")
    for row in red:
        print(f"{row['framework']}: {sentence(row)}")
    print(
        f"conformance: {len(records) - len(failed)} of {len(records)} quantities within tolerance"
    )
    print(f"mutants: {len(mutants) - len(survived)} of {len(mutants)} killed")
    print(f"atlas: {len(atlas) - len(red)} of {len(atlas)} answers as pinned and aligned")
    return 1 if failed or survived or red or not (records and mutants and atlas) else 0


if __name__ == "__main__":
    command.run(main)
