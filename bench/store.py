"""Finished runs: small folders, written aside and renamed when whole.

    <results>/store/<claim>/<framework>/<arm>-<seed>/

A crash leaves either nothing or a finished run, and its folder lists the digests of its files: what
was cut off or changed later is not finished. A run is kept when its fingerprint (sources, own
settings, data, versions, threads) is still what it would be computed from; else it is computed
again. Snakemake knows nothing of these folders: it deletes a failed job's declared outputs, and a
finished run must outlive its job.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.errors import UserError

ASIDE = ".tmp-"
RECORDS = ("config.json", "outcome.json", "costs.json", "provenance.json")
DIGESTS = "digests.json"  # SHA-256 of every other file of the folder


def folder(results: Path, claim: str, framework: str) -> Path:
    return results / "store" / claim / framework


def run_name(arm: str, seed: int) -> str:
    return f"{arm}-{seed}"


def canonical(value: Any) -> str:
    """JSON with sorted keys: the same text for the same content. Not-a-number becomes null."""
    return json.dumps(_finite(value), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)


def fingerprint(parts: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def read(path: Path) -> Any:
    """Parse a JSON file of ours. Raises UserError naming a file that is not one."""
    try:
        return json.loads(path.read_text())
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid JSON ({error}); delete it and run again") from error


def is_finished(run: Path, expected: str) -> bool:
    """Whether a run folder is whole and was computed from what `expected` is the fingerprint of."""
    return is_whole(run) and read(run / "config.json").get("fingerprint") == expected


def is_whole(run: Path) -> bool:
    """Whether every file of a run folder is there, and is what was written."""
    try:
        digests = read(run / DIGESTS)
        found = {name: _digest((run / name).read_bytes()) for name in digests}
    except (UserError, OSError, TypeError):
        return False
    return found == digests and found.keys() >= set(RECORDS)


def write_run(run: Path, files: Mapping[str, str]) -> None:
    """Write a run folder aside, sync it, and rename it into place, replacing a stale one."""
    digests = {name: _digest(text.encode()) for name, text in files.items()}
    aside = run.with_name(f"{ASIDE}{run.name}")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        for name, text in {**files, DIGESTS: canonical(digests)}.items():
            _write_synced(aside / name, text)
        _sync_folder(aside)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    if run.exists():
        # Renaming onto a folder that is not empty fails: the stale run steps aside first.
        stale = run.with_name(f"{ASIDE}stale-{run.name}")
        shutil.rmtree(stale, ignore_errors=True)
        run.rename(stale)
        aside.rename(run)
        shutil.rmtree(stale)
    else:
        aside.rename(run)
    _sync_folder(run.parent)


def write_file(path: Path, text: str) -> None:
    """Write a file aside, sync it, and rename it into place.

    Raises UserError where its folder cannot be.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, FileNotFoundError, NotADirectoryError):
        raise UserError(f"{path.parent} cannot be made a folder: name another place") from None
    aside = path.with_name(f"{ASIDE}{os.getpid()}-{path.name}")
    try:
        _write_synced(aside, text)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def locked(store: Path, announce: Any = print) -> Iterator[None]:
    """Hold a store alone: an orphan of a killed run finishes its run first.

    What a killed process left aside is cleared away once the lock is held.
    """
    store.mkdir(parents=True, exist_ok=True)
    with (store / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            announce(f"waiting for another process that is still computing in {store}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        for left_over in store.glob(f"{ASIDE}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        yield


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return value
