"""The pages: every link leads somewhere, nothing is fetched, and what is missing or damaged is
said."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench import claim as claims
from tests.workflow.checkout import Checkout

pytestmark = pytest.mark.workflow


class Page(HTMLParser):
    """The links, anchors and tags of a page."""

    VOID = frozenset({"meta", "link", "br", "img", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.links += [v for k in ("href", "src", "xlink:href") if (v := given.get(k))]
        self.anchors += [v for v in (given.get("id"),) if v]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"


def pages(folder: Path) -> Iterator[tuple[Path, Page]]:
    for path in sorted(folder.rglob("*.html")):
        yield path, Page(path.read_text())


def report(checkout: Path, results: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.report", "--results", str(results), "--out", str(out)]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


@pytest.fixture
def results(reproduction: Checkout, tmp_path: Path) -> Path:
    """A copy of the smoke results that a test may break."""
    return Path(shutil.copytree(reproduction.path("results/smoke"), tmp_path / "smoke"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_every_link_leads_somewhere(reproduction: Checkout) -> None:
    home = reproduction.path("reports/smoke")
    seen = dict(pages(home))
    assert home / "index.html" in seen
    for path, page in seen.items():
        assert page.open == [], f"{path} leaves elements open"
        assert len(page.anchors) == len(set(page.anchors)), f"{path} repeats an id"
        for link in page.links:
            if link.startswith("data:"):
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target in seen, f"{path} links to {link}"
            assert not anchor or anchor in seen[target].anchors, f"{path} links to {link}"
    reached, todo = set(), [home / "index.html"]
    while todo:
        path = todo.pop()
        reached.add(path)
        links = (
            link.partition("#")[0] for link in seen[path].links if not link.startswith("data:")
        )
        todo += [t for f in links if f and (t := (path.parent / f).resolve()) not in reached]
    assert reached == seen.keys()


def test_the_pages_open_offline(reproduction: Checkout) -> None:
    for path, page in pages(reproduction.path("reports/smoke")):
        text = path.read_text()
        assert "Content-Security-Policy" in text
        assert "default-src 'none'" in text
        assert not [link for link in page.links if "//" in link and not link.startswith("data:")]


def test_every_claim_has_its_page(reproduction: Checkout) -> None:
    front = reproduction.path("reports/smoke/index.html").read_text()
    for name in claims.names():
        described = claims.get(name)
        page = reproduction.path(f"reports/smoke/claims/{name}.html").read_text()
        assert f"claims/{name}.html" in front
        assert "<svg" in page
        assert 'lang="fr"' in page
        for hypothesis in described.hypotheses:
            assert hypothesis.statement.split(",")[0].split("'")[0] in page


def test_the_real_files_stand_side_by_side(reproduction: Checkout) -> None:
    page = reproduction.path("reports/smoke/implementations/lenet.html").read_text()
    for framework in ("NumPy", "PyTorch", "TensorFlow", "JAX"):
        assert framework in page
    assert "relu" in page


def test_built_again_it_is_the_same_to_the_byte_and_leaves_alone_what_is_not_its_own(
    reproduction: Checkout, results: Path, tmp_path: Path
) -> None:
    out = tmp_path / "reports"
    others = {"notes.txt": b"mine", "claims/mine.html": b"mine too"}
    (out / "claims").mkdir(parents=True)
    for name, text in others.items():
        (out / name).write_bytes(text)
    assert report(reproduction.folder, results, out).returncode == 0
    assert contents(out) == contents(reproduction.path("reports/smoke")) | others


def test_unfinished_parts_are_shown_as_unfinished(
    reproduction: Checkout, results: Path, tmp_path: Path
) -> None:
    for name in (
        "verdicts.json",
        "conformance.json",
        "mutants.json",
        "atlas.json",
        "runs.csv",
        "costs.csv",
    ):
        (results / name).unlink()
    shutil.rmtree(results / "store/lenet_accuracy/jax")
    shutil.rmtree(results / "store/max_pool_gradient")
    out = tmp_path / "reports"
    done = report(reproduction.folder, results, out)
    assert done.returncode == 0, done.stderr
    front = (out / "index.html").read_text()
    assert "not run yet" in front
    assert "has not run yet" in front
    assert "have not been asked yet" in front
    assert "has not been asked yet" in (out / "atlas.html").read_text()
    assert "No run has finished yet" in (out / "claims/max_pool_gradient.html").read_text()
    assert "runs finished" in (out / "claims/lenet_accuracy.html").read_text()
    assert list(pages(out))


def test_before_anything_ran_there_is_a_report_already(
    reproduction: Checkout, tmp_path: Path
) -> None:
    (tmp_path / "standard").mkdir()
    out = tmp_path / "reports"
    assert report(reproduction.folder, tmp_path / "standard", out).returncode == 0
    assert "not run yet" in (out / "index.html").read_text()


DAMAGES = {
    "runs.csv": "claim\n\x00\x01",
    "verdicts.json": "[{",
    "conformance.json": "{}",
    "mutants.json": json.dumps([{"mutant": "x"}]),
    "atlas.json": json.dumps([{"row": "B1"}]),
    "manifest.json": "[]",
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_named_and_the_old_report_stays(
    reproduction: Checkout, results: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "reports"
    shutil.copytree(reproduction.path("reports/smoke"), out)
    before = contents(out)
    (results / name).write_text(DAMAGES[name])
    done = report(reproduction.folder, results, out)
    assert done.returncode == 2
    assert name in done.stderr
    assert "delete it and run again" in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(out) == before


def test_no_framework_is_imported_to_build_it(
    reproduction: Checkout, results: Path, tmp_path: Path
) -> None:
    code = (
        "import sys; from pathlib import Path; from bench.report import gather, pages; "
        "count = len(pages.pages(gather.gather(Path(sys.argv[1])))); "
        "print(count, {'torch', 'tensorflow', 'jax'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(results)],
        cwd=reproduction.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    count, _, imported = done.stdout.strip().partition(" ")
    assert int(count) > 10
    assert imported == "set()"
