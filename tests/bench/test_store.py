import errno
import json
import multiprocessing
import sys
import time
from pathlib import Path

import pytest

from bench import command, store
from bench.errors import UserError


def records(mark: str) -> dict[str, str]:
    """The files that every run has."""
    return {**dict.fromkeys(store.RECORDS, "{}"), "config.json": json.dumps({"fingerprint": mark})}


def test_a_run_appears_whole_and_replaces_a_stale_one(tmp_path: Path) -> None:
    run = tmp_path / "arm-0"
    store.write_run(run, {**records("old"), "curve.csv": "step\n1\n"})
    assert store.is_finished(run, "old")
    store.write_run(run, records("new"))
    assert store.is_finished(run, "new")
    assert not store.is_finished(run, "old")
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(
        ["arm-0", store.DIGESTS, *store.RECORDS]
    )


def test_a_crash_while_writing_leaves_nothing_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.write_run(tmp_path / "arm-0", {"config.json": "{}"})
    with pytest.raises(OSError, match="No space"):
        store.write_file(tmp_path / "table.csv", "a,b\n")
    assert not (tmp_path / "arm-0").exists()
    assert not (tmp_path / "table.csv").exists()
    monkeypatch.undo()
    with store.locked(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize("text", ["", "{", '{"fingerprint": "other"}'])
def test_a_damaged_or_foreign_run_is_not_finished(tmp_path: Path, text: str) -> None:
    store.write_run(tmp_path / "arm-0", records("mine"))
    assert store.is_finished(tmp_path / "arm-0", "mine")
    (tmp_path / "arm-0" / "config.json").write_text(text)
    assert not store.is_finished(tmp_path / "arm-0", "mine")


def test_a_run_whose_files_were_changed_is_not_finished(tmp_path: Path) -> None:
    files = {**records("mine"), "curve.csv": "step,loss\n1,0.5\n"}
    for name in (*files, store.DIGESTS):
        store.write_run(tmp_path / "arm-0", files)
        assert store.is_whole(tmp_path / "arm-0")
        path = tmp_path / "arm-0" / name
        path.write_text(path.read_text()[:-2])  # cut short
        assert not store.is_whole(tmp_path / "arm-0")
        path.unlink()
        assert not store.is_whole(tmp_path / "arm-0")


@pytest.mark.parametrize("name", [*store.RECORDS, store.DIGESTS])
def test_a_run_that_lost_a_record_is_not_finished(tmp_path: Path, name: str) -> None:
    store.write_run(tmp_path / "arm-0", records("mine"))
    (tmp_path / "arm-0" / name).unlink()
    assert not store.is_finished(tmp_path / "arm-0", "mine")


def test_the_fingerprint_sees_every_part() -> None:
    parts = {"sources": {"a.py": "1"}, "threads": 1, "rate": 0.1}
    marks = [
        store.fingerprint(parts),
        store.fingerprint({**parts, "threads": 2}),
        store.fingerprint({**parts, "sources": {"a.py": "2"}}),
    ]
    assert len(set(marks)) == 3
    assert store.fingerprint(dict(reversed(parts.items()))) == marks[0]


def test_json_is_valid_whatever_diverged() -> None:
    assert json.loads(store.canonical({"loss": float("nan"), "all": [float("inf"), 1.0]})) == {
        "loss": None,
        "all": [None, 1.0],
    }


def test_reading_something_else_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("half a fi")
    with pytest.raises(UserError, match=r"plan\.json is not valid JSON"):
        store.read(tmp_path / "plan.json")


def _hold(path: Path, ready, seconds: float) -> None:
    with store.locked(path):
        ready.set()
        time.sleep(seconds)
        (path / "written").write_text("by the first")


def test_a_second_process_waits_for_the_first(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    first = context.Process(target=_hold, args=(tmp_path, ready, 1.0))
    first.start()
    assert ready.wait(30)
    said: list[str] = []
    with store.locked(tmp_path, said.append):
        assert (tmp_path / "written").read_text() == "by the first"
    first.join()
    assert "waiting for another process" in said[0]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UserError("say this"), "say this"),
        (OSError(errno.ENOSPC, "x", "a/b"), "disk is full"),
        (OSError(errno.EROFS, "x", "a/b"), "read-only"),
        (PermissionError(errno.EACCES, "x", "a/b"), "permission denied"),
    ],
)
def test_a_machine_that_refuses_is_explained(error: Exception, words: str) -> None:
    assert words in (command.explain(error) or "")


def test_an_interruption_while_importing_needs_no_traceback(capsys: pytest.CaptureFixture) -> None:
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    said = capsys.readouterr().err
    assert said.startswith("interrupted: finished runs are kept")
    assert "Traceback" not in said


def test_a_defect_of_ours_is_not_explained_away() -> None:
    assert command.explain(ValueError("a bug")) is None
    assert command.explain(OSError(errno.EIO, "broken disk")) is None
