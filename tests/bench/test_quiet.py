"""An import is quiet about nothing, and about nothing only."""

import os
import subprocess
import sys

import pytest

from bench import packages, threads
from tests.conftest import ROOT

NOTICES = (
    "WARNING: All log messages before absl::InitializeLog() is called\\nI0000 00:00:1 notice\\n"
)


def said(code: str) -> tuple[int, str]:
    environment = {**os.environ, **threads.variables(1)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_notices_are_left_out_and_all_else_is_said() -> None:
    code = (
        "import os, sys; from bench.quiet import quiet\n"
        f"with quiet(): os.write(2, b'{NOTICES}E0000 error\\n'); print('words', file=sys.stderr)\n"
        "os.write(2, b'I0000 after\\n')"
    )
    assert said(code) == (0, "E0000 error\nwords\nI0000 after\n")


def test_the_last_words_of_a_crash_are_said() -> None:
    code = (
        "import os; from bench.quiet import quiet\n"
        f"with quiet(): os.write(2, b'{NOTICES}not built for this processor\\n'); os.abort()"
    )
    status, words = said(code)
    assert status < 0
    assert words == "not built for this processor\n"


@pytest.mark.skipif(packages.installed("tensorflow") is None, reason="tensorflow is not installed")
@pytest.mark.parametrize(
    "start", ["import implementations.tensorflow.adapter", "ask('tensorflow')"]
)
def test_tensorflow_starts_without_a_word(start: str) -> None:
    assert said(f"from bench.atlas import _started as ask; {start}") == (0, "")
