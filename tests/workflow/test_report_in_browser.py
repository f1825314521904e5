"""The pages in a browser: it has no complaint, no table is cut off, tables sort, the atlas is
searched."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from implementations.atlas.row import rows
from tests.workflow.checkout import Checkout

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.workflow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine"),
]


def shown(page: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The page's elements after its script ran, and on standard error the browser's console."""
    assert BROWSER
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--enable-logging=stderr"]
    flags.append("--window-size=1280,900")
    command = [BROWSER, *flags, f"--user-data-dir={tmp_path}/profile", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)


def told(reproduction: Checkout, name: str, script: str, tmp_path: Path) -> Any:
    """What a script at the end of a page wrote into its title, as JSON."""
    text = reproduction.path(f"reports/smoke/{name}.html").read_text()
    page = tmp_path / "asked.html"
    page.write_text(text.replace("</body>", f"<script>{script}</script></body>"))
    title = shown(page, tmp_path).stdout.partition("<title>")[2].partition("</title>")[0]
    return json.loads(title)


def complaints(shown: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in shown.stderr.splitlines() if "CONSOLE" in line]


def test_a_browser_has_nothing_to_complain_about(reproduction: Checkout, tmp_path: Path) -> None:
    home = reproduction.path("reports/smoke")
    names = ("index", "claims/lenet_accuracy", "conformance", "speed", "atlas", "gallery")
    for name in (*names, "implementations/lenet"):
        assert complaints(shown(home / f"{name}.html", tmp_path)) == []
    # The same look sees what the policy of the pages forbids.
    foreign = tmp_path / "foreign.html"
    text = (home / "index.html").read_text()
    foreign.write_text(text.replace("</body>", '<img src="file:///nowhere.png"></body>'))
    assert complaints(shown(foreign, tmp_path))


@pytest.mark.parametrize(
    "name",
    [
        *("index", "conformance", "speed", "gallery", "provenance"),
        *("claims/lenet_accuracy", "claims/optimizers"),
    ],
)
def test_no_table_is_cut_off_at_a_usual_width(
    reproduction: Checkout, tmp_path: Path, name: str
) -> None:
    ask = (
        "document.querySelectorAll('details').forEach(d=>d.open=true);"
        "document.title=JSON.stringify([innerWidth,[...document.querySelectorAll('.scroll')]"
        ".filter(e=>e.scrollWidth>e.clientWidth+1).map(e=>e.textContent.slice(0,80))]);"
    )
    assert told(reproduction, name, ask, tmp_path) == [1280, []]


def test_tables_sort_by_their_heads(reproduction: Checkout, tmp_path: Path) -> None:
    """A click sorts numbers as numbers; a second click turns the order round."""
    click = (
        "const t=document.querySelector('table.sortable');"
        "const i=[...t.tHead.rows[0].cells].findIndex(c=>c.textContent.includes('deviation'));"
        "const read=()=>[...t.tBodies[0].rows].map(r=>Number(r.cells[i].dataset.v));"
        "const b=t.tHead.rows[0].cells[i].querySelector('button');b.click();const up=read();"
        "b.click();const down=read();document.title=JSON.stringify([up,down]);"
    )
    up, down = told(reproduction, "conformance", click, tmp_path)
    assert len(up) > 50
    assert up == sorted(up)
    assert down == sorted(up, reverse=True)


def test_the_atlas_is_found_as_one_types(reproduction: Checkout, tmp_path: Path) -> None:
    """Rows that lack a typed word are hidden, with the sections that are left empty."""
    asked = (
        "const f=document.querySelector('#find');const seen=[];"
        "for(const words of ['','bicubic a = -1/2','is:agree','no such row']){"
        "f.value=words;f.dispatchEvent(new Event('input'));"
        "const left=s=>[...document.querySelectorAll(s)].filter(e=>!e.hidden);"
        "seen.push([left('.entry').map(e=>e.id),left('[data-section]').length]);}"
        "document.title=JSON.stringify([seen,f.parentElement.hidden]);"
    )
    (everything, one, alike, nothing), hidden = told(reproduction, "atlas", asked, tmp_path)
    assert not hidden
    assert len(everything[0]) == len(rows())
    assert one == [["R3"], 1]
    assert set(alike[0]) < set(everything[0])
    assert "C3" in alike[0]
    assert "R3" not in alike[0]
    assert nothing == [[], 0]
