"""The atlas as a page shows it: a section a topic, an entry a row, a column a framework."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.atlas import sentence
from bench.report.style import in_order

MEANINGS = {
    "disagree": "Defaults differ between the frameworks; the recipe aligns them.",
    "agree": "All do the same: good to know, and watched.",
    "one framework": "Only one framework was asked.",
    "red": "A default has changed, or a recipe no longer aligns: this row is out of date.",
}
# Words of the report whose chips look as these states should.
TONES = {
    "disagree": "differs-between-frameworks",
    "agree": "supported",
    "one framework": "inconclusive",
    "red": "refuted",
}
SIGNS = {"disagree": "≠", "agree": "●", "one framework": "○", "red": "✕"}


@dataclass
class Entry:
    """One row with the answers of every framework."""

    key: str
    title: str
    why: str
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def status(self) -> str:
        if any(answer["red"] for answer in self.answers.values()):
            return "red"
        apart = [answer["frameworks_disagree"] for answer in self.answers.values()]
        if None in apart:
            return "one framework"
        return "disagree" if True in apart else "agree"


def page(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Everything the template needs; of no records, an atlas that was not asked."""
    topics = sections(records)
    counts = Counter(entry.status for entries in topics.values() for entry in entries)
    return {
        "topics": topics,
        "asked": in_order({record["framework"] for record in records}),
        "versions": {record["framework"]: record["versions"] for record in records},
        "counts": {status: counts[status] for status in MEANINGS if counts[status]},
        "rows": sum(counts.values()),
        "red": [(r["framework"], sentence(r)) for r in records if r["red"]],
        "atlas_meanings": MEANINGS,
        "tones": TONES,
        "signs": SIGNS,
        "shown": shown,
    }


def sections(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Entry]]:
    """Topic -> its rows, in the order of the records."""
    topics: dict[str, dict[str, Entry]] = {}
    for r in records:
        entries = topics.setdefault(r["topic"], {})
        entry = entries.setdefault(r["row"], Entry(r["row"], r["title"], r["why"]))
        entry.answers[r["framework"]] = dict(r)
    return {topic: list(entries.values()) for topic, entries in topics.items()}


def shown(default: Any) -> str:
    """A default as a reader would write it."""
    if default is None:
        return "has none"
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, list):
        return ", ".join(map(shown, default))
    return f"{default:.9g}" if isinstance(default, int | float) else str(default)
