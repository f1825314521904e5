"""The exit code of conformance: 0 when every comparison passed and every planted bug was caught.

python -m bench.conformance.gate results/standard
"""

import argparse
from pathlib import Path

from bench import command, store
from bench.errors import UserError


def main() -> int:
    parser = argparse.ArgumentParser(description="Judge conformance.json and mutants.json.")
    parser.add_argument("results", type=Path, help="results/<budget>")
    results = parser.parse_args().results
    for name in ("conformance.json", "mutants.json"):
        if not (results / name).is_file():
            raise UserError(f"{results / name} does not exist yet: run make conformance first")
    records = store.read(results / "conformance.json")
    mutants = store.read(results / "mutants.json")
    failed = [record for record in records if not record["passed"]]
    survived = [mutant for mutant in mutants if not mutant["killed"]]
    for record in failed:
        print(
            f"{record['framework']}, {record['model']}, {record['optimizer']}, {record['dtype']}:"
        )
        print(f"  {record['first_divergence']['sentence']}")
    for mutant in survived:
        print(f"{mutant['framework']}: the planted bug '{mutant['mutant']}' was not caught")
    print(
        f"conformance: {len(records) - len(failed)} of {len(records)} quantities within tolerance"
    )
    print(f"mutants: {len(mutants) - len(survived)} of {len(mutants)} killed")
    return 1 if failed or survived or not records or not mutants else 0


if __name__ == "__main__":
    command.run(main)
