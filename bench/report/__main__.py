"""Build the report from whatever exists.

python -m bench.report --results results/standard --out reports
"""

import argparse
from pathlib import Path

from bench import command
from bench.report import gather, pages, site


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the report from whatever exists.")
    parser.add_argument("--results", type=Path, required=True, help="results/<budget>")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the pages")
    arguments = parser.parse_args()
    found = gather.gather(arguments.results)
    site.write(arguments.out, pages.pages(found))
    print(f"the report is at {arguments.out / 'index.html'}")
    return 0


if __name__ == "__main__":
    command.run(main)
