"""Children of a process that has imported its framework and done nothing else.

A process that served another net is not what it was. glibc keeps more of what is freed the larger
the largest piece was, so that after a VGG a net of PyTorch's out of the box asks the system for
fewer pages: its steps take 10 to 25 % less time than in a process that is new. Where the baseline
had trained and its control had not, a forward pass of the control took 1.7 times as long. To import
every framework anew for every net would take longer than to time it. So each net and call is served
by a child, which begins where the import ended, and takes everything with it when it ends.

Linux's libraries bear being forked after they are imported, others' do not: elsewhere nothing is
forked (POSSIBLE), and one process serves all nets.
"""

import ctypes
import json
import os
import platform
import signal
import traceback
from collections.abc import Callable
from typing import IO, Any

from bench.ledger import FIRST, LEDGER, REST

POSSIBLE = platform.system() == "Linux"
END_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl.h

Serve = Callable[[IO[str], IO[str]], None]  # answers each line of the first on the second


class Child:
    """A fork of this process, which serves until join()."""

    def __init__(self, serve: Serve) -> None:
        reading, asking = os.pipe()
        hearing, answering = os.pipe()
        parent, self.id = os.getpid(), os.fork()
        if self.id == 0:
            ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGKILL)
            os.close(asking)
            os.close(hearing)
            if os.getppid() == parent:  # else it has ended meanwhile
                _be_child(serve, os.fdopen(reading), os.fdopen(answering, "w", buffering=1))
            os._exit(1)
        os.close(reading)
        os.close(answering)
        self.requests, self.answers = os.fdopen(asking, "w", buffering=1), os.fdopen(hearing)

    def ask(self, request: Any) -> Any:
        """Raises RuntimeError where the child has ended, or ends meanwhile."""
        try:
            print(json.dumps(request), file=self.requests)
            line = self.answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code, _ = self._wait()
            raise RuntimeError(f"the process that served the net ended with exit code {code}")
        return json.loads(line)

    def join(self) -> None:
        """Wait for its end, and book what it spent on the account of this process."""
        self.requests.close()
        line = self.answers.readline()
        _, seconds = self._wait()
        spent = json.loads(line) if line else {REST: 0.0}
        end = max(0.0, seconds - sum(spent.values()))
        LEDGER.book({**spent, REST: spent[REST] + end})

    def _wait(self) -> tuple[int, float]:
        """Its exit code and CPU seconds."""
        _, status, usage = os.wait4(self.id, 0)
        return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def _be_child(serve: Serve, requests: IO[str], answers: IO[str]) -> None:
    """Serve, tell what was spent, the compilers that first steps started among it, and end: without
    taking the interpreter apart, which of PyTorch's would last half a second."""
    LEDGER.take()  # the parent's: the clock of a child begins with it
    try:
        serve(requests, answers)
        spent, children = LEDGER.take(), os.times()
        spent[FIRST] += children.children_user + children.children_system
        print(json.dumps(spent), file=answers)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
