"""The errors that are meant for a person."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake a user can mend: the message says what is wrong, where, and what to do.

    Command-line entry points print the message alone, without a traceback, and exit with 2.
    """


class ContractError(Exception):
    """A framework folder broke the contract: a name missing or left over, a shape that differs."""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that is none of ours, with the one that was likely meant."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"unknown {what} {name!r}{hint} (known: {', '.join(names)})"
