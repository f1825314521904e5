"""How our command lines end: one clear message for a person's mistake, and an exit code.

0 done; 1 done, and what was found is bad; 2 a mistake or a machine that refuses; 130 interrupted;
141 nobody read to the end.
"""

import errno
import os
import sys
import traceback
from collections.abc import Callable

from bench import INTERRUPTED
from bench.errors import UserError

REFUSALS = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "the disk quota is used up: free some space",
    errno.EROFS: "the file system is read-only: use a folder that can be written",
    errno.EACCES: "permission denied: use a folder that you may write",
    errno.EPERM: "permission denied: use a folder that you may write",
}


def explain(error: BaseException) -> str | None:
    """The sentence for an error that is not a defect of ours; None for all others."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, SyntaxError):  # of an edited file, and Python's own message names it
        return f"{error.filename}:{error.lineno}: {error.msg}"
    if isinstance(error, OSError) and error.errno in REFUSALS:
        where = f" ({error.filename})" if error.filename else ""
        return f"{REFUSALS[error.errno]}{where}; finished runs are kept, then run the same command"
    return None


def tell(what: str, error: Exception) -> None:
    """Say on standard error that one of several jobs failed, and of what."""
    print(f"quatuor: {what}", file=sys.stderr)
    message = explain(error)
    if message is None:
        traceback.print_exception(error)
    else:
        print(message, file=sys.stderr)
    sys.stderr.flush()


def run(main: Callable[[], int]) -> None:
    """Call main() and leave the process with its exit code."""
    try:
        code = main()
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        code = 130
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except (UserError, OSError, SyntaxError) as error:
        message = explain(error)
        if message is None:
            raise
        print(f"quatuor: {message}", file=sys.stderr)
        code = 2
    sys.stderr.flush()
    sys.exit(code)
