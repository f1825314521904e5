"""Writing the report: whole or not at all, and nothing of anybody else's touched.

Pages are written aside and renamed one by one, the front page last, so that a reader never meets a
link to a page that is not there yet. A list of what was written lies beside them; only what stands
in it is ever removed.
"""

from collections.abc import Mapping
from pathlib import Path

from bench import store

LIST = ".report-files.json"


def write(folder: Path, pages: Mapping[str, str]) -> None:
    """Replace the report in a folder by these pages (relative path -> text)."""
    before = store.read(folder / LIST) if (folder / LIST).is_file() else []
    # Written first, as the union: a write that is cut off leaves no page without an owner.
    store.write_file(folder / LIST, store.canonical(sorted({*before, *pages})))
    for name in sorted(pages, key=lambda name: name == "index.html"):
        path = folder / name
        if not path.is_file() or path.read_text() != pages[name]:
            store.write_file(path, pages[name])
    for name in set(before) - set(pages):
        (folder / name).unlink(missing_ok=True)
    store.write_file(folder / LIST, store.canonical(sorted(pages)))
