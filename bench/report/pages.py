"""From what was gathered to pages: relative path -> HTML or CSV."""

import base64
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from bench import accounts, rules_text, summaries
from bench.claim import Claim
from bench.hypothesis import AtLeast, Difference, Equivalent, Hypothesis, Same, Within
from bench.ledger import STAGES
from bench.report import atlas, conformance, evidence, figures, gallery, series, sources, speed
from bench.report.gather import POOLED, Gathered
from bench.report.style import JUDGED, LOOKS, MEANINGS, SHAPES, TOPICS, look, title

TEMPLATES = Path(__file__).parent / "templates"
MEAN = "Every run, by framework, and the mean with its 95 % interval"
EVIDENCE = {
    Equivalent: (
        "Every two frameworks: the difference on each shared seed, its mean and 90 % interval, and "
        "the margin."
    ),
    AtLeast: f"{MEAN}; the line is the threshold.",
    Difference: f"{MEAN}.",
    Within: f"{MEAN}; the band is what was foretold.",
    Same: f"{MEAN}; in the band two arms count as the same.",
}
EFFECTS = {
    Difference: "The effect, pooled and of each framework alone; the band is too small to matter.",
    AtLeast: (
        "The distance from the threshold, pooled and of each framework alone. The band is no part "
        "of the rule: it is the smallest distance that the number of seeds was planned to see."
    ),
}
NOT_MEASURED = ("step", "epoch", "framework", "arm", "seed")


def pages(found: Gathered) -> dict[str, str]:
    """Every page of the report; the front page refers to all others."""
    render = _renderer(found)
    written = {
        "index.html": render("index", "", front(found)),
        "errata.html": render("errata", "", {"claims": [_claim(found, c) for c in found.claims]}),
        "conformance.html": render("conformance", "", conformance.page(found)),
        "speed.html": render("speed", "", speed.page(found)),
        "atlas.html": render("atlas", "", atlas.page(found.atlas)),
        "gallery.html": render("gallery", "", {"gallery": gallery.page(found.data_dir)}),
        "provenance.html": render("provenance", "", provenance(found)),
    }
    for claim in found.claims:
        written[f"claims/{claim.name}.html"] = render("claim", "../", claim_page(found, claim))
    files = sources.shared_files(found.present)
    for name, file in files.items():
        rows = sources.side_by_side(file, found.present)
        page = {"name": name, "file": file, "rows": rows, "files": list(files)}
        written[f"implementations/{name}.html"] = render("implementation", "../", page)
    return written


def _renderer(found: Gathered) -> Callable[[str, str, Mapping[str, Any]], str]:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = rules_text.number
    environment.filters["csv"] = csv_link
    environment.filters["told"] = speed.told
    environment.globals.update(
        title=title,
        look=look,
        looks=LOOKS,
        shape=SHAPES,
        meanings=MEANINGS,
        POOLED=POOLED,
        found=found,
    )
    style = Markup((TEMPLATES / "style.css").read_text())
    script = Markup((TEMPLATES / "script.js").read_text())

    def render(template: str, root: str, values: Mapping[str, Any]) -> str:
        page = environment.get_template(f"{template}.html.j2")
        return page.render(root=root, page=template, style=style, script=script, **values)

    return render


def front(found: Gathered) -> dict[str, Any]:
    judged = [r for r in found.conformance if r["dtype"] == "float64"]
    deviations = [r["max_relative_deviation"] for r in judged]
    topics = sorted({c.topic for c in found.claims}, key=lambda t: (TOPICS.get(t, len(TOPICS)), t))
    rows = [_claim(found, claim) for claim in found.claims]
    tally = {w: [r for r in rows if r["pooled"] and r["pooled"]["verdict"] == w] for w in JUDGED}
    return {
        "topics": {t: [row for row in rows if row["claim"].topic == t] for t in topics},
        "tally": {word: those for word, those in tally.items() if those},
        "judged": sum(map(len, tally.values())),
        "done": len(found.runs),
        "planned": len(found.plan),
        "failed": [r for r in found.conformance if not r["passed"]],
        "worst": None if None in deviations else max(deviations, default=None),
        "steps": max((r["steps"] for r in judged), default=0),
        "atlas": atlas.page(found.atlas),
        "killed": sum(m["killed"] for m in found.mutants),
        "facts": next(iter(found.provenance().values()), None),
    }


def _claim(found: Gathered, claim: Claim) -> dict[str, Any]:
    """What the front page and the errata say of a claim."""
    done, planned = found.progress(claim.name)
    pooled = found.verdict(claim.name, POOLED)
    parts = [
        (number, h, found.verdict(claim.name, POOLED, h.name))
        for number, h in enumerate(claim.hypotheses, 1)
        if h.role == "claim"
    ]
    counts = Counter(record["verdict"] for _, _, record in parts if record)
    held = counts["supported"] if pooled and pooled["verdict"] != "supported" else 0
    return {
        "claim": claim,
        "pooled": pooled,
        "parts": parts,
        "counted": ", ".join(f"{SHAPES[w]} {counts[w]} {w}" for w in MEANINGS if counts[w]),
        "held": f"{held} of {len(parts)} parts supported" if held else "",
        "by_framework": {f: found.verdict(claim.name, f) for f in found.present},
        "by_hypothesis": {
            h.name: found.verdict(claim.name, POOLED, h.name) for h in claim.hypotheses
        },
        "done": done,
        "planned": planned,
    }


def claim_page(found: Gathered, claim: Claim) -> dict[str, Any]:
    runs = found.runs_of(claim.name)
    columns = [c for c in ("framework", "arm", "seed", *claim.metrics) if c in runs.columns]
    return {
        **_claim(found, claim),
        "budget": found.budget_of(claim.name),
        "rule_in_words": rules_text.rule_in_words,
        "hypothesis_rows": [
            (h, f, found.verdict(claim.name, f, h.name))
            for h in claim.hypotheses
            for f in (POOLED, *found.present)
        ],
        "figures": series.drawn(found, claim),
        "choice": (choice := found.choice(claim.name)),
        "tried": _tried(claim, choice),
        "curves": _curves(found, claim),
        "evidence": {h.name: _evidence(found, claim, h) for h in claim.hypotheses},
        "columns": columns,
        "rows": runs[columns].to_dict("records"),
    }


def _evidence(found: Gathered, claim: Claim, hypothesis: Hypothesis) -> list[tuple[str, Markup]]:
    """What a reader needs to see to believe the verdict: every run, and the effect."""
    rule, drawn = hypothesis.rule, []
    label = f"{claim.name}, {hypothesis.name}: every run"
    measured = rules_text.described(rule, claim.metrics)
    if svg := evidence.runs_of(rule, found.runs_of(claim.name), measured, label):
        drawn.append((EVIDENCE.get(type(rule), "Every run, by framework."), Markup(svg)))
    if isinstance(rule, AtLeast | Difference):
        records = [found.verdict(claim.name, f, hypothesis.name) for f in (POOLED, *found.present)]
        records = [r for r in records if r is not None and r["effect"] is not None]
        if records:
            label = f"{claim.name}, {hypothesis.name}: effects"
            drawn.append((EFFECTS[type(rule)], Markup(evidence.forest(rule, records, label))))
    return drawn


def _tried(claim: Claim, choice: Mapping[str, Any] | None) -> list[tuple[str, Markup]]:
    """What the search of a claim saw."""
    if choice is None:
        return []
    drawn = series.search(choice, f"{claim.name}, search")
    caption = (
        "Every value that was tried, mean over the search's own seeds; circles are the choice."
    )
    return [(caption, Markup(svg)) for svg in drawn]


def _curves(found: Gathered, claim: Claim) -> list[tuple[str, Markup]]:
    """Learning curves, where a claim trains, arm by arm."""
    steps = found.curves(claim.name, "curve.csv")
    tests = found.curves(claim.name, "evaluations.csv")
    arms = [] if steps.empty else [arm for arm in claim.arms if arm in set(steps["arm"])]
    drawn: list[tuple[str, Markup]] = []
    for arm in arms:
        name = f"Arm {arm}. " if len(arms) > 1 else ""
        for caption, svg in _curves_of(
            f"{claim.name}, {arm}", steps[steps["arm"] == arm], tests[tests["arm"] == arm]
        ):
            drawn.append((name + caption, Markup(svg)))
    return drawn


def _curves_of(label: str, steps: pd.DataFrame, tests: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Captions and figures of one arm."""
    term = next(c for c in steps.columns if c not in NOT_MEASURED)
    name = f"training {term.replace('_', ' ')}"
    yield (
        f"{name.capitalize()} by step: the mean over seeds, lowest to highest seed shaded.",
        figures.loss(steps, term, f"{label}, {name}"),
    )
    if svg := figures.apart(steps, term, f"{label}, spread of {name}"):
        yield (
            "How far the frameworks' losses lie apart on the same seed and batch. They start at "
            "float32's rounding; training then magnifies what rounding began.",
            svg,
        )
    if not tests.empty:
        term = next(c for c in tests.columns if c not in NOT_MEASURED)
        yield (
            f"{term.replace('_', ' ').capitalize()} on held-out examples after every epoch: the "
            "mean over seeds, lowest to highest seed as a bar.",
            figures.accuracy(tests, term, f"{label}, {term}"),
        )


def provenance(found: Gathered) -> dict[str, Any]:
    costs = found.costs
    totals: list[dict[str, Any]] = []
    if not costs.empty:
        groups = costs.groupby(["claim", "framework"], sort=False)
        for (claim, framework), group in groups:
            totals.append(
                {
                    "claim": claim,
                    "framework": framework,
                    "runs": len(group),
                    "cpu_seconds": round(group["cpu_seconds"].sum(), 1),
                    "wall_seconds": round(group["wall_seconds"].sum(), 1),
                    "peak_memory_mib": round(group["peak_memory_mib"].max()),
                    "largest_load": round(group["load_after"].max(), 1),
                }
            )
    jobs = summaries.records(found.accounts.to_csv(index=False))
    shares = [(by, accounts.shares(jobs, by)) for by in ("framework", "claim")]
    return {
        "facts": found.provenance(),
        "totals": totals,
        "shares": shares if jobs else [],
        "stages": STAGES,
        "datasets": found.datasets,
    }


def csv_link(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table as a data: link, so that it can be saved from a page that has no server."""
    text = io.StringIO()
    pd.DataFrame(list(rows)).to_csv(text, index=False)
    return "data:text/csv;base64," + base64.b64encode(text.getvalue().encode()).decode()
