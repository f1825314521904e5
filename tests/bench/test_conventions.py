"""A constant that no code uses decides nothing: it belongs into the prose."""

import re

import pytest

from bench import conventions
from bench.closure import ROOT

LINES = [
    line
    for folder in ("bench", "implementations")
    for path in sorted((ROOT / folder).rglob("*.py"))
    for line in path.read_text().splitlines()
]


@pytest.mark.parametrize("name", [name for name in vars(conventions) if name.isupper()])
def test_a_constant_is_used(name: str) -> None:
    mentioned = re.compile(rf"\b{name}\b(?! = )")
    assert any(mentioned.search(line) for line in LINES)
