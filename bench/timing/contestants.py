"""Who is timed: each framework in each of its forms, one process each.

A form is a variant of the framework's folder (bench/contract.py) or a form of its library out of
the box (implementations/library), whose names stand in the file as FORMS. They are read from its
text, since to import it would be to import the framework.
"""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import implementations
from bench import packages
from bench.closure import ROOT
from bench.contract import VARIANTS
from bench.errors import UserError, unknown

LIBRARY = ROOT / "implementations" / "library"


@dataclass(frozen=True)
class Contestant:
    framework: str
    form: str

    def __str__(self) -> str:
        return f"{self.framework} {self.form}"


# What most readers know. A library's loop trains, so that of forward passes the reference is one.
BASELINES = {
    "update": Contestant("pytorch", "eager"),
    "forward": Contestant("pytorch", "reference"),
}


def library_forms(framework: str) -> tuple[str, ...]:
    """None where the library offers no training out of the box, as NumPy."""
    path = LIBRARY / f"{framework}.py"
    if not path.is_file():
        return ()
    for node in ast.parse(path.read_text(), str(path)).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FORMS":
            return tuple(ast.literal_eval(node.value))
    return ()


def forms(framework: str) -> tuple[str, ...]:
    return (*VARIANTS, *library_forms(framework))


def chosen(frameworks: Iterable[str], wanted: Sequence[str] | None) -> list[Contestant]:
    """Those of the frameworks in the wanted forms; None: in all.

    Raises UserError for a form that none of them has, and for a framework that is not installed.
    """
    frameworks = list(frameworks)
    for framework in frameworks:
        if packages.installed(framework) is None:
            raise UserError(f"{packages.package(framework)} is not installed")
    known = list(dict.fromkeys(form for framework in frameworks for form in forms(framework)))
    for form in wanted or ():
        if form not in known:
            raise UserError(unknown("form", form, known))
    return [
        Contestant(framework, form)
        for framework in frameworks
        for form in forms(framework)
        if wanted is None or form in wanted
    ]


def baseline(call: str, contestants: Sequence[Contestant]) -> Contestant:
    """Whose time the others' are divided by: BASELINES, or the first variant that is there."""
    if BASELINES[call] in contestants:
        return BASELINES[call]
    variants = (contestant for contestant in contestants if contestant.form in VARIANTS)
    return next(variants, contestants[0])


def installed() -> list[str]:
    """The frameworks that can be timed here."""
    return [name for name in implementations.names() if packages.installed(name)]
