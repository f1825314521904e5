"""Build the report from whatever exists.

    python -m bench.report --results results/standard --out reports [--afresh]

Afresh, it does not read the summaries but computes what they would be now, and writes none: those
in the results folder are Snakemake's, which takes what is there for what it has finished.
"""

import argparse
import tempfile
from pathlib import Path

from bench import command, summaries
from bench.report import gather, pages, site


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the report from whatever exists.")
    parser.add_argument("--results", type=Path, required=True, help="results/<budget>")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the pages")
    parser.add_argument("--afresh", action="store_true", help="with the summaries of this moment")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quatuor-") as folder:
        written = arguments.results
        if arguments.afresh and (arguments.results / "plan.json").is_file():
            written = Path(folder)
            for name in summaries.SUMMARIES:
                summaries.write(arguments.results, name, written)
        found = gather.gather(arguments.results, written)
    site.write(arguments.out, pages.pages(found))
    print(f"the report is at {arguments.out / 'index.html'}")
    return 0


if __name__ == "__main__":
    command.run(main)
