"""What an image installs: the project's tooling, and one framework.

    python docker/requirements.py pytorch       requirements, one a line, for pip install -r
    python docker/requirements.py reporter      the tooling alone

The tooling is read from pyproject.toml, the framework from its folder: nothing is listed twice.
Runs before anything is installed, hence with the standard library alone.
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORTER = "reporter"


def frameworks() -> list[str]:
    """The framework folders, by listing."""
    return sorted(path.parent.name for path in ROOT.glob("implementations/*/requirements.txt"))


def requirements(framework: str) -> list[str]:
    """Raises SystemExit with one message for a name that is no framework."""
    choices = [*frameworks(), REPORTER]
    if framework not in choices:
        sys.exit(
            f"FRAMEWORK is {framework!r}: choose one of {', '.join(choices)}, "
            f"for example --build-arg FRAMEWORK={choices[0]}"
        )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines: list[str] = project["dependencies"]
    if framework != REPORTER:
        folder = ROOT / "implementations" / framework
        lines = lines + (folder / "requirements.txt").read_text().splitlines()
    return lines


if __name__ == "__main__":
    print("\n".join(requirements(sys.argv[1] if len(sys.argv) > 1 else "")))
