"""What a library writes before its log heeds any setting.

TensorFlow says so itself ("all log messages before absl::InitializeLog() is called are written to
STDERR"), at every start, whatever TF_CPP_MIN_LOG_LEVEL is. While it is imported, standard error
goes through a filter: a process of its own, so that the last words of an import that crashes get
through.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

FILTER = r"""
import re, sys
notice = re.compile(rb"WARNING: All log messages before absl::|I\d{4} ")
sys.stdout.buffer.writelines(line for line in sys.stdin.buffer if not notice.match(line))
"""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Leave out notices of an import; warnings, errors and whatever else is said pass."""
    sys.stderr.flush()
    kept = os.dup(2)
    command = [sys.executable, "-I", "-S", "-c", FILTER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=kept, stderr=subprocess.DEVNULL, bufsize=0,
        start_new_session=True,  # Ctrl-C is for the job, whose end ends the filter
    ) as child:  # fmt: skip
        assert child.stdin
        os.dup2(child.stdin.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
