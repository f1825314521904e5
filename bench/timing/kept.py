"""Nets that a reproduction has timed, kept as finished runs are: while what they come from stays.

    <results>/store/throughput/<net>.json

Snakemake deletes what a failed job was to write, and all that a job writes before it starts again.
One job times all nets; so what it knows of each is here too, outside of Snakemake's hands.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from bench import store
from bench.errors import UserError


class Note(TypedDict):
    """The records of a net, and what it took to get them, by stage (bench/ledger.py)."""

    records: list[dict[str, Any]]
    cpu_seconds: Mapping[str, float]


def found(results: Path, net: str, parts: Mapping[str, Any]) -> Note | None:
    """What is known of a net, where it comes from these parts and is whole."""
    try:
        note = store.read(_path(results, net))
        whole = note["fingerprint"] == store.fingerprint({**parts, **note["note"]})
    except (UserError, OSError, KeyError, TypeError):
        return None
    return note["note"] if whole else None


def keep(results: Path, net: str, parts: Mapping[str, Any], note: Note) -> None:
    mark = store.fingerprint({**parts, **note})
    store.write_file(_path(results, net), store.canonical({"fingerprint": mark, "note": note}))


def _path(results: Path, net: str) -> Path:
    return results / "store" / "throughput" / f"{net}.json"
