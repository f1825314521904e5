"""What `make help` says is what the Makefile has."""

import re
import subprocess

from tests.conftest import ROOT


def test_help_names_every_target_and_every_variable() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)[1].split()) - {"help"}  # type: ignore[index]
    variables = set(re.findall(r"^(\w+) \?=", text, re.MULTILINE))
    said = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r"^ +make ([\w-]+)", said, re.MULTILINE)) == targets
    assert set(re.findall(r"^ +(\w+)=", said, re.MULTILINE)) == variables
