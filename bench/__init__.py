"""The framework-free half: contract, specs, data, claims, conformance, verdicts, report."""

import sys
from types import TracebackType

INTERRUPTED = "interrupted: finished runs are kept, the same command goes on"


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Ctrl-C may hit while a command still imports, before bench.command can catch it."""
    if issubclass(kind, KeyboardInterrupt):
        print(INTERRUPTED, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _told
