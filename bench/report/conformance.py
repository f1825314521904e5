"""The lock-step comparison as a page shows it: in short, quantity by quantity, and planted bugs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.gather import Gathered
from bench.report.style import in_order

FIRST_STEP = "first_step_beyond_1e-5"


def page(found: Gathered) -> dict[str, Any]:
    """Everything the template needs; frameworks in the order of the other pages."""
    rank = {name: place for place, name in enumerate(in_order(found.present))}
    records = sorted(found.conformance, key=lambda r: rank.get(r["framework"], len(rank)))
    cases = {(r["framework"], r["dtype"]) for r in records}
    ordered = sorted(cases, key=lambda case: (rank.get(case[0], len(rank)), case[1] != "float64"))
    return {
        "records": records,
        "summary": [
            in_short([r for r in records if (r["framework"], r["dtype"]) == case])
            for case in ordered
        ],
        "judged": [f for f in found.present if f != "numpy"],
        "mutant_names": list(dict.fromkeys(m["mutant"] for m in found.mutants)),
        "matrix": {(m["mutant"], m["framework"]): m for m in found.mutants},
    }


def in_short(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One row for all that was compared of one framework in one precision."""
    worst = max(records, key=_deviation)
    nearest = max(records, key=_share)
    share = _share(nearest)
    # Every quantity of a case repeats the number of its near ties.
    ties = {(r["model"], r["optimizer"]): r["near_ties"] for r in records}
    return {
        "framework": worst["framework"],
        "dtype": worst["dtype"],
        "compared": len(records),
        "passed": sum(r["passed"] for r in records),
        "failed": not all(r["passed"] for r in records),
        "worst": worst["max_relative_deviation"],
        "worst_in": _what(worst),
        "share": f"{share:.1%}".replace("%", " %") if math.isfinite(share) else "beyond",
        "share_in": _what(nearest),
        "near_ties": sum(ties.values()),
        "first_steps": _first_steps(records),
    }


def _first_steps(records: Sequence[Mapping[str, Any]]) -> str:
    """Where the losses of float32 parted by more than rounding: lenet adam from step 36."""
    followed = [r for r in records if r["quantity"] == "loss" and FIRST_STEP in r]
    parted = [r for r in followed if r[FIRST_STEP] is not None]
    said = [f"{_net(r)} from step {r[FIRST_STEP]}" for r in parted]
    if len(followed) > len(parted):
        said.append(f"never in {len(followed) - len(parted)}{' others' if parted else ''}")
    return ", ".join(said) or "–"


def _deviation(record: Mapping[str, Any]) -> float:
    found = record["max_relative_deviation"]
    return math.inf if found is None else found


def _share(record: Mapping[str, Any]) -> float:
    """The part of its tolerance that a quantity used."""
    if record["tolerance"]:
        return _deviation(record) / record["tolerance"]
    return math.inf if _deviation(record) else 0.0


def _what(record: Mapping[str, Any]) -> str:
    return f"{record['quantity'].replace('_', ' ')}, {_net(record)}"


def _net(record: Mapping[str, Any]) -> str:
    return f"{record['model']} {record['optimizer']}".replace("_", " ")
