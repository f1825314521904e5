"""What the gate measures: a training step of a net, in one framework and form.

Named <framework>/<form>/<net>: pytorch/native/lenet. By default every native variant on a net of
convolutions and one of dense layers, and NumPy's reference, whose equations are code of this
project down to the last product. Any other of bench/timing/nets.py can be named.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import implementations
from bench import packages, ranges
from bench.contract import VARIANTS
from bench.errors import UserError
from bench.timing.nets import NETS

USUAL_NETS = ("mlp", "lenet")


@dataclass(frozen=True)
class Benchmark:
    framework: str
    form: str
    net: str

    def __str__(self) -> str:
        return f"{self.framework}/{self.form}/{self.net}"

    @classmethod
    def named(cls, name: str) -> Self:
        """Raises UserError for a name that is none."""
        parts = name.split("/")
        if len(parts) != 3:
            raise UserError(f"a benchmark is <framework>/<form>/<net>, got {name!r}")
        framework, form, net = parts
        ranges.choice("framework", framework, implementations.names())
        ranges.choice("form", form, VARIANTS)
        ranges.choice("net", net, NETS)
        return cls(framework, form, net)


def chosen(
    names: Sequence[str] | None = None, frameworks: Sequence[str] | None = None
) -> list[Benchmark]:
    """The named benchmarks, or the usual ones, of these frameworks or all that are installed.

    Raises UserError for a name that is not known or named twice, for a framework that is named and
    not installed, and where nothing is left.
    """
    for framework in frameworks or ():
        ranges.choice("framework", framework, implementations.names())
    wanted = frameworks or [name for name in implementations.names() if packages.installed(name)]
    benchmarks = list(usual(wanted) if names is None else map(Benchmark.named, names))
    if names is not None and frameworks is not None:
        benchmarks = [benchmark for benchmark in benchmarks if benchmark.framework in frameworks]
    if not benchmarks:
        raise UserError("no benchmark is left: name some, or fewer conditions")
    for benchmark in benchmarks:
        if benchmarks.count(benchmark) > 1:
            raise UserError(f"{benchmark} is named twice")
        if packages.installed(benchmark.framework) is None:
            needed = packages.package(benchmark.framework)
            raise UserError(f"{benchmark}: {needed} is not installed")
    return benchmarks


def usual(frameworks: Iterable[str]) -> Iterable[Benchmark]:
    for framework in frameworks:
        for form in VARIANTS if framework == "numpy" else ("native",):
            yield from (Benchmark(framework, form, net) for net in USUAL_NETS)


def by_worker(benchmarks: Iterable[Benchmark]) -> dict[tuple[str, str], list[Benchmark]]:
    """Those that one process can measure one after another, by framework and form."""
    found: dict[tuple[str, str], list[Benchmark]] = {}
    for benchmark in benchmarks:
        found.setdefault((benchmark.framework, benchmark.form), []).append(benchmark)
    return found
