"""The distributions that a framework folder needs, and whether they are here, without an import."""

import functools
import importlib.metadata
import re

from bench.closure import ROOT


@functools.cache
def distributions(framework: str) -> tuple[str, ...]:
    """All that a framework folder and its library forms need, as its requirements.txt says."""
    path = ROOT / "implementations" / framework / "requirements.txt"
    lines = (line.strip() for line in path.read_text().splitlines())
    return tuple(re.split(r"[=<>!\[; ]", s)[0] for s in lines if s and not s.startswith("#"))


def package(framework: str) -> str:
    """The distribution that is the framework: the first of them."""
    return distributions(framework)[0]


def installed(framework: str) -> str | None:
    """The version of the framework's package here, without importing it; None when missing."""
    # One framework may be shipped under several distributions that own the same module.
    names = (package(framework), package(framework).removesuffix("-cpu"))
    return next(filter(None, map(version, names)), None)


def versions(framework: str) -> dict[str, str | None]:
    """What is here of all that a framework folder and its library forms need."""
    first, *others = distributions(framework)
    return {first: installed(framework), **{name: version(name) for name in others}}


def version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
