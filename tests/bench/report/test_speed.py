"""The page about speed says what throughput.json says, and where nothing was timed, that."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bench import machine
from bench.errors import UserError
from bench.report import gather, pages, speed, speed_figures
from bench.summaries import SCHEMAS
from tests.bench.report.timings import RATIOS, STATE, TRAINS, record, sample

FORMS = [ratios for forms in RATIOS.values() for ratios in forms.values()]
ROWS = {"update": len(FORMS), "forward": sum(len(ratios) == 2 for ratios in FORMS)}


def gathered(folder: Path, rows: list[dict[str, Any]] | None) -> gather.Gathered:
    home = folder / "standard"
    home.mkdir()
    if rows is not None:
        (home / "throughput.json").write_text(json.dumps(rows))
    return gather.gather(home)


def written(folder: Path, rows: list[dict[str, Any]] | None) -> str:
    """The page, without the others."""
    found = gathered(folder, rows)
    return pages._renderer(found)("speed", "", speed.page(found))


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return sample()


@pytest.fixture(scope="module")
def text(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("speed"), rows)


def test_the_sample_is_what_the_schema_says(rows: list[dict[str, Any]]) -> None:
    schema = json.loads((SCHEMAS / "throughput.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(rows, schema)
    described = schema["items"]["properties"]
    assert all("description" in value for value in described.values())
    for name in described:
        with pytest.raises(jsonschema.ValidationError, match=name):
            jsonschema.validate([{k: v for k, v in rows[0].items() if k != name}], schema)


def test_without_timing_the_page_says_so(tmp_path: Path) -> None:
    text = written(tmp_path, None)
    assert "Timing has not run yet." in text
    assert "<table" not in text


def test_the_page_is_one_of_the_report(tmp_path: Path) -> None:
    found = pages.pages(gathered(tmp_path, None))
    assert "Timing has not run yet." in found["speed.html"]
    assert 'href="speed.html"' in found["index.html"]
    assert 'href="../speed.html"' in found["claims/lenet_accuracy.html"]


def test_every_contestant_of_every_net_has_a_row(text: str) -> None:
    articles = re.findall(r'<article class="race" id="([^"]+)">(.*?)</article>', text, re.DOTALL)
    assert [key for key, _ in articles] == [
        f"{net}-{call}" for call in ("update", "forward") for net in ("mlp", "lenet", "resnet")
    ]
    for key, article in articles:
        assert article.partition("<tbody>")[2].count("<tr") == ROWS[key.partition("-")[2]]
        assert article.count("<svg") == 1


def test_reference_and_native_stand_side_by_side(rows: list[dict[str, Any]]) -> None:
    ordered = sorted(rows, key=speed._place)
    of_one = [(r["framework"], r["form"]) for r in ordered if r["net"] == "mlp"][::2]
    assert of_one[:6] == [
        ("numpy", "reference"),
        ("numpy", "native"),
        ("pytorch", "reference"),
        ("pytorch", "native"),
        ("pytorch", "compiled"),
        ("pytorch", "eager"),
    ]


def test_a_row_shows_its_numbers(text: str, rows: list[dict[str, Any]]) -> None:
    for r in rows:
        if r["absent"] or r["ratio"] is None:
            continue
        assert f">{r['ratio']:.2f}</td>" in text
        assert f"{r['ratio_low']:.2f} to {r['ratio_high']:.2f}</td>" in text
        assert f">{r['examples_per_second']:,.0f}</td>" in text
        assert f">{100 * r['fraction']:.0f} %</td>" in text
        assert f">{speed.seconds(r['import_cpu_seconds'])}</td>" in text


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"ratio": 0.8, "judged": True}, "faster"),
        ({"ratio": 1.3, "judged": True}, "slower"),
        ({"ratio": 0.99, "judged": False}, "within the noise"),
        ({"ratio": None, "judged": False}, "baseline"),
        ({"ratio": 0.5, "judged": True, "correct": False}, "wrong"),
    ],
)
def test_what_a_row_says(changes: dict[str, Any], word: str) -> None:
    baseline = record("mlp", "update", "pytorch", "eager", ratio=None)
    row = record("mlp", "update", "jax", "native", **changes)
    assert speed.outcome(row, [baseline, row])[2] == word


def test_nothing_is_said_where_the_baseline_is_wrong() -> None:
    baseline = record("mlp", "update", "pytorch", "eager", ratio=None, correct=False)
    row = record("mlp", "update", "jax", "native", judged=False)
    assert speed.outcome(row, [baseline, row])[2] == "baseline is wrong"
    assert speed.outcome(baseline, [baseline, row])[2] == "wrong"


def test_the_baseline_has_no_interval() -> None:
    assert speed.interval(record("mlp", "update", "pytorch", "eager", ratio=None)) == "–"


def test_a_time_without_the_right_answer_does_not_count(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    wrong = {"correct": False, "deviation": None}
    changed = [
        r | (wrong if (r["net"], r["call"], r["form"]) == ("mlp", "update", "flax") else {})
        for r in rows
    ]
    found = gathered(tmp_path, changed)
    page = speed.page(found)
    library = page["glances"]["mlp-update"]["jax"].library
    assert library
    assert not library["correct"]
    text = pages._renderer(found)("speed", "", page)
    assert text.count('role="alert"') == 1
    assert "JAX flax, mlp, training step: it did not compute" in text
    assert text.count("</span> wrong</span>") == 2  # in its row, and at a glance
    assert "JAX flax (wrong)" in text


def test_the_best_of_a_library_is_the_fastest(rows: list[dict[str, Any]]) -> None:
    own = [r for r in rows if (r["net"], r["call"]) == ("lenet", "update")]
    best = speed._glance(own, "pytorch").library
    assert best
    assert best["form"] == "eager"
    wrong = [r | ({"correct": False} if r["form"] == "eager" else {}) for r in own]
    best = speed._glance(wrong, "pytorch").library
    assert best
    assert best["form"] == "compiled"
    assert speed._glance(own, "numpy").library is None


def test_warnings_stand_above_everything(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    said = "Other processes used 0.43 of 2 cores meanwhile."
    disturbed = [r | {"machine": r["machine"] | {"warnings": [said]}} for r in rows]
    text = written(tmp_path, disturbed)
    assert text.count("Timed on a disturbed machine") == 1
    assert text.count(said) == 6  # once for each net and call
    assert text.rindex(said) < text.index("At a glance")


def test_a_banner_says_how_often_the_machine_was_disturbed(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    said = ["The load was 2.5 on 2 cores before it began."]
    disturbed = [
        r | {"machine": r["machine"] | ({"warnings": said} if r["net"] == "mlp" else {})}
        for r in rows
    ]
    assert "disturbed machine</strong>, 2 of 6 times" in written(tmp_path, disturbed)


def test_a_quiet_machine_has_no_banner(text: str) -> None:
    assert "disturbed machine" not in text
    assert 'role="alert"' not in text


def test_what_does_not_repeat_is_named(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    last = rows[-1]
    text = written(tmp_path, [*rows[:-1], last | {"repeats": False}])
    assert f"{speed_figures.named(last)} does not repeat to the bit." in text


def test_who_was_compared_after_the_first_step_alone_is_counted(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    own = [r for r in rows if r["net"] == "lenet" and r["call"] == "update"]
    (tmp_path / "all").mkdir()
    all_steps = written(tmp_path / "all", [r | {"compared_steps": r["steps"]} for r in own])
    assert "after the first step alone" not in all_steps
    some = [r | {"steps": 3, "compared_steps": 1 if n < 2 else 3} for n, r in enumerate(own)]
    told = f"2 of {len(own)} were compared after the first step alone"
    assert told in written(tmp_path, some)


def test_each_call_has_its_own_baseline_and_columns(text: str) -> None:
    step, forward = re.findall(r'<table class="glance">(.*?)</table>', text, re.DOTALL)
    assert "a training step over that of PyTorch eager" in step
    assert "a forward pass over that of PyTorch reference" in forward
    assert step.count(">library</th>") == 3
    assert ">library</th>" not in forward


def test_the_ratio_to_the_own_library_is_shown(text: str, rows: list[dict[str, Any]]) -> None:
    own = [r for r in rows if r["library_ratio"] is not None]
    assert own
    for r in own:
        assert f'title="over {r["library"]}: {speed.interval(r, "library_")}">' in text


def test_who_was_not_timed_is_told_once_with_the_reason(text: str) -> None:
    told = text.partition('<h2 id="absent">')[2].partition("</ul>")[0]
    assert told.count("<li>") == 4
    assert f"PyTorch eager: {TRAINS}" in told
    assert "lenet, forward pass; mlp, forward pass; resnet, forward pass" in told


def test_what_a_machine_does_not_tell_is_told(text: str) -> None:
    table = text.partition('<h2 id="machine">')[2]
    assert re.search(r"Governor</th><td>not told", table)
    assert re.search(r"Limits of the control group</th><td>1.5 cores", table)
    assert "not exposed by this machine" in table


def test_every_fact_of_a_state_is_in_words() -> None:
    """What is told here is what this machine answers, and what changes is left out of a
    description."""
    told = dict(speed.told(machine.state()))
    assert len(told) == len(speed.FACTS)
    assert "Frequency" not in dict(speed.told(machine.description()))
    full = {key: 1 for _, key, _ in speed.FACTS} | {"cgroup": {"cores": None, "memory": 1 << 31}}
    assert dict(speed.told(full))["Limits of the control group"] == "2.0 GiB"
    assert dict(speed.told(STATE))["Two threads a core"] == "off"
    assert speed.told({}) == []


def test_a_record_of_another_version_is_refused(tmp_path: Path) -> None:
    row = record("mlp", "update", "jax", "native")
    del row["fraction"]
    with pytest.raises(UserError, match="lacks fraction"):
        gathered(tmp_path, [row])


def test_links_lead_somewhere_and_nothing_is_fetched(text: str) -> None:
    class Links(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.links: set[str] = set()
            self.ids: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            self.links |= {v for k in ("href", "src", "xlink:href") if (v := given.get(k))}
            self.ids += [v for v in (given.get("id"),) if v]

    found = Links()
    found.feed(text)
    assert len(found.ids) == len(set(found.ids))
    inside = {link[1:] for link in found.links if link.startswith("#")}
    assert inside <= set(found.ids)
    outside = {link for link in found.links if not link.startswith(("#", "data:"))}
    assert all(link.endswith(".html") and "//" not in link for link in outside)
