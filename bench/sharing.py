"""Which claims of a framework share a process (`processes` of the configuration).

    claim      none: for a cluster whose workers are many more than the claims
    shared     short ones, put together by what they cost before, until a process has enough to do
    framework  all: where they are so short that importing a framework takes longer than most

A process imports its framework, which takes a second to five, and it computes one claim after
another, so that few long processes leave processors idle at the end and hold back what waits for
them. What is shared depends on the configuration, the claims' files and the recorded costs of the
repository alone: on every machine it is the same, whatever it has computed before.
"""

import math
from collections.abc import Sequence
from typing import Literal

from bench import claim as claims
from bench import costs

ENOUGH_SECONDS = 120.0  # of CPU time: the import of any framework is a few percent of it

Processes = Literal["claim", "shared", "framework"]


def processes(names: Sequence[str], way: Processes, budget: str) -> list[tuple[str, ...]]:
    """The claims of every process that computes runs in a framework; the same in all frameworks."""
    if way == "framework":
        return [tuple(names)]
    if way == "claim":
        return [(name,) for name in names]
    costly = _costs(budget)
    short = [n for n in names if costly.get(n, math.inf) < ENOUGH_SECONDS and not _clocked(n)]
    # Who waits for no search is not to wait for another's.
    searched = [name for name in short if claims.get(name).search]
    others = [name for name in short if name not in searched]
    alone = [(name,) for name in names if name not in short]
    return [*alone, *_balanced(others, costly), *_balanced(searched, costly)]


def _clocked(name: str) -> bool:
    """A claim that is judged by a clock has its process and the machine for itself."""
    return bool(claims.get(name).clocked)


def _costs(budget: str) -> dict[str, float]:
    """CPU seconds of every claim that was recorded, in the framework where it took longest."""
    found: dict[str, float] = {}
    for job, seconds in costs.reference(budget).items():
        claim, _, framework = job.partition("/")
        if claim != "search" and framework:
            found[claim] = max(seconds, found.get(claim, 0.0))
    return found


def _balanced(names: Sequence[str], costly: dict[str, float]) -> list[tuple[str, ...]]:
    """So many processes that each has enough to do, and about as much as any other.

    The costliest claim first, each to the process that has least so far (Graham 1969).
    """
    if not names:
        return []
    total = sum(costly[name] for name in names)
    shares: list[list[str]] = [[] for _ in range(max(1, math.ceil(total / ENOUGH_SECONDS)))]
    for name in sorted(names, key=lambda name: (-costly[name], name)):
        min(shares, key=lambda share: sum(costly[n] for n in share)).append(name)
    return [tuple(sorted(share)) for share in shares]
