"""Finding and fetching files: damaged copies, and a real server on this machine."""

import dataclasses
import hashlib
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import dataset, files
from bench.datasets import fashion_mnist, mnist
from bench.errors import UserError
from bench.files import File

CONTENT = b"the published file\n" * 500
DIGEST = hashlib.sha256(CONTENT).hexdigest()
# Nothing listens at port 1 of this machine: the connection is refused at once.
UNREACHABLE = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine is asked directly, whatever the network here looks like."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator["Server"]:
    with Server(tmp_path / "served") as running:
        yield running


class Server:
    """Serves a folder over HTTP and notes what it was asked for."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.asked, asked = folder, [], []
        self.asked = asked

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments, **keywords) -> None:
                super().__init__(*arguments, directory=str(folder), **keywords)

            def do_GET(self) -> None:
                asked.append(self.path)
                if not self.path.startswith("/cut-off/"):
                    return super().do_GET()
                self.send_response(200)
                self.send_header("Content-Length", str(len(CONTENT)))
                self.end_headers()
                self.wfile.write(CONTENT[: len(CONTENT) // 2])
                self.close_connection = True
                return None

            def log_message(self, *_: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def __enter__(self) -> "Server":
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


def published(*urls: str) -> File:
    return File("data.bin", {DIGEST: len(CONTENT)}, urls=tuple(f"{url}/data.bin" for url in urls))


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("damage", ["corrupted", "truncated", "empty"])
@pytest.mark.parametrize("where", ["cache", "package", "system"])
def test_a_damaged_copy_is_refused_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, where: str
) -> None:
    genuine = dataset.locate(dataset.get("digits"))["digits.csv.gz"]
    content = bytearray(genuine.read_bytes())
    if damage == "corrupted":
        content[1000] ^= 1
    damaged = bytes(content) if damage == "corrupted" else bytes(content[: len(content) // 2])
    damaged = b"" if damage == "empty" else damaged
    places = {"cache": "digits", "package": "a_package", "system": "system"}
    path = tmp_path / places[where] / "digits.csv.gz"
    path.parent.mkdir()
    path.write_bytes(damaged)
    (tmp_path / "a_package" / "__init__.py").parent.mkdir(exist_ok=True)
    (tmp_path / "a_package" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    (file,) = dataset.get("digits").files
    fields = {
        "cache": {"package": None},
        "package": {"package": "a_package", "path": "digits.csv.gz"},
        "system": {"package": None, "system": str(path)},
    }
    described = dataclasses.replace(
        dataset.get("digits"), files=(dataclasses.replace(file, **fields[where]),)
    )
    with pytest.raises(UserError) as refused:
        dataset.locate(described, tmp_path)
    message = str(refused.value)
    assert str(path) in message
    assert f"it has {len(damaged)} bytes" in message
    assert hashlib.sha256(damaged).hexdigest() in message
    assert next(iter(file.versions)) in message
    advice = "delete it and run" if where == "cache" else "reinstall the package scikit-learn"
    assert advice in message
    # Undamaged, it is taken.
    shutil.copy(genuine, path)
    assert dataset.locate(described, tmp_path) == {"digits.csv.gz": path}


def test_a_missing_file_is_downloaded_once(tmp_path: Path, server: "Server") -> None:
    (server.folder / "data.bin").write_bytes(CONTENT)
    for _ in range(2):
        found = files.locate("toy", [published(server.url)], data_dir=tmp_path / "cache")
        assert found["data.bin"].read_bytes() == CONTENT
    assert server.asked == ["/data.bin"]
    assert everything(tmp_path / "cache") == ["toy/data.bin"]


def test_mirrors_are_tried_in_turn(tmp_path: Path, server: "Server") -> None:
    """Unreachable, then not found, then another file, then broken off, then the file."""
    (server.folder / "other").mkdir()
    (server.folder / "other/data.bin").write_bytes(b"a log-in page")
    (server.folder / "good").mkdir()
    (server.folder / "good/data.bin").write_bytes(CONTENT)
    paths = ("none", "other", "cut-off", "good")
    file = published(UNREACHABLE, *(f"{server.url}/{path}" for path in paths))
    found = files.locate("toy", [file], data_dir=tmp_path / "cache")
    assert found["data.bin"].read_bytes() == CONTENT
    assert server.asked == [f"/{path}/data.bin" for path in paths]
    assert everything(tmp_path / "cache") == ["toy/data.bin"]


def test_a_wrong_file_is_refused_and_not_kept(tmp_path: Path, server: "Server") -> None:
    wrong = CONTENT + b"\n"
    (server.folder / "data.bin").write_bytes(wrong)
    with pytest.raises(UserError) as refused:
        files.locate("toy", [published(server.url)], data_dir=tmp_path / "cache")
    message = str(refused.value)
    assert "no mirror serves the published file" in message
    assert DIGEST in message
    assert hashlib.sha256(wrong).hexdigest() in message
    assert everything(tmp_path / "cache") == []


def test_a_download_that_breaks_off_is_not_kept(tmp_path: Path, server: "Server") -> None:
    with pytest.raises(UserError, match="toy is not on this machine"):
        files.locate("toy", [published(f"{server.url}/cut-off")], data_dir=tmp_path / "cache")
    assert server.asked == ["/cut-off/data.bin"]
    assert everything(tmp_path / "cache") == []


def test_without_a_network_one_sentence_names_what_to_do(tmp_path: Path) -> None:
    present = dataclasses.replace(published(UNREACHABLE), name="present.bin")
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy/present.bin").write_bytes(CONTENT)
    wanted = [published(UNREACHABLE), present, dataclasses.replace(published(), name="more.bin")]
    with pytest.raises(UserError) as refused:
        files.locate("toy", wanted, "Debian's package dataset-toy", tmp_path)
    assert str(refused.value) == (
        "toy is not on this machine and its publisher cannot be reached (127.0.0.1:1: "
        "ConnectionError): install Debian's package dataset-toy, or put data.bin, more.bin into "
        f"{tmp_path / 'toy'}"
    )


def test_fashion_mnist_without_its_package_and_a_network(tmp_path: Path) -> None:
    nowhere = {"system": str(tmp_path / "none"), "urls": (UNREACHABLE,) * 2}
    hidden = [dataclasses.replace(file, **nowhere) for file in fashion_mnist.DATASET.files]
    described = dataclasses.replace(fashion_mnist.DATASET, files=tuple(hidden))
    with pytest.raises(UserError) as refused:
        dataset.locate(described, tmp_path)
    names = ", ".join(file.name for file in hidden)
    assert str(refused.value) == (
        "fashion_mnist is not on this machine and its publisher cannot be reached (127.0.0.1:1: "
        "ConnectionError; 127.0.0.1:1: ConnectionError): install Debian's package "
        f"dataset-fashion-mnist, or put {names} into {tmp_path / 'fashion_mnist'}"
    )


def test_a_package_that_is_not_installed_is_named(tmp_path: Path) -> None:
    file = File("data.bin", {DIGEST: len(CONTENT)}, package="no_such_package", path="data.bin")
    with pytest.raises(
        UserError, match="toy is not on this machine: install the package x, or put"
    ):
        files.locate("toy", [file], "the package x", tmp_path)


@pytest.mark.parametrize("obstacle", ["a file", "no permission"])
def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, server: "Server", obstacle: str
) -> None:
    (server.folder / "data.bin").write_bytes(CONTENT)
    blocked = tmp_path / "cache"
    if obstacle == "a file":
        blocked.write_text("in the way")
    elif os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    else:
        blocked.mkdir(mode=0o500)
    with pytest.raises(UserError, match="cannot be written: name another folder"):
        files.locate("toy", [published(server.url)], data_dir=blocked)


def test_data_sets_do_not_share_file_names_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {f.name for f in mnist.DATASET.files} == {f.name for f in fashion_mnist.DATASET.files}
    assert files.cache("mnist", tmp_path) != files.cache("fashion_mnist", tmp_path)
    monkeypatch.setenv("QUATUOR_DATA", str(tmp_path / "elsewhere"))
    assert files.cache("mnist") == tmp_path / "elsewhere/mnist"
    assert files.cache("mnist", tmp_path) == tmp_path / "mnist"
    monkeypatch.delenv("QUATUOR_DATA")
    assert files.cache("mnist").parts[-2:] == ("quatuor", "mnist")
