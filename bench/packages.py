"""The distribution that a framework folder needs, and whether it is here: without importing it."""

import functools
import importlib.metadata
import re

from bench.closure import ROOT


@functools.cache
def package(framework: str) -> str:
    """The distribution a framework folder needs: the first line of its requirements.txt."""
    path = ROOT / "implementations" / framework / "requirements.txt"
    lines = [line.strip() for line in path.read_text().splitlines()]
    first = next(line for line in lines if line and not line.startswith("#"))
    return re.split(r"[=<>!\[; ]", first)[0]


def installed(framework: str) -> str | None:
    """The version of the framework's package here, without importing it; None when missing."""
    # One framework may be shipped under several distributions that own the same module.
    names = (package(framework), package(framework).removesuffix("-cpu"))
    return next(filter(None, map(version, names)), None)


def version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
