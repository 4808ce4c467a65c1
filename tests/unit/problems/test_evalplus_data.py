"""EvalPlus's releases: the same files and folder as EvalPlus, downloaded once and checked."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_dualcode.errors import DatasetError
from pytest_dualcode.problems.evalplus_data import HUMANEVAL, MBPP, Release, download

CONTENT = b'{"task_id": "HumanEval/0"}\n'


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT, gzipped, at every address, and counts the requests."""

    served = 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.served += 1
        body = gzip.compress(CONTENT)
        self.send_response(200 if "missing" not in self.path else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with Server(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def served_release(server: Server, path: str = "data.jsonl.gz") -> Release:
    md5 = hashlib.md5(CONTENT).hexdigest()
    return replace(HUMANEVAL, url=f"http://127.0.0.1:{server.server_port}/{path}", md5=md5)


def test_urls_and_cache_files_are_evalplus_s() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Its imports warn about things that are not ours.
        from evalplus.data.humaneval import HUMANEVAL_PLUS_VERSION
        from evalplus.data.mbpp import MBPP_PLUS_VERSION
        from evalplus.data.utils import get_dataset_metadata

    for release in (HUMANEVAL, MBPP):
        url, path = get_dataset_metadata(release.name, release.version, mini=False)
        assert (release.url, release.cache_file) == (url, Path(path))
    assert (HUMANEVAL.version, MBPP.version) == (HUMANEVAL_PLUS_VERSION, MBPP_PLUS_VERSION)


def test_a_download_lands_uncompressed_in_the_cache(no_benchmarks: Path, server: Server) -> None:
    release = served_release(server)
    download(release)
    assert release.cache_file.read_bytes() == CONTENT
    assert {path.suffix for path in no_benchmarks.iterdir()} <= {".jsonl", ".lock"}


@pytest.mark.usefixtures("no_benchmarks")
def test_a_download_leaves_the_current_folder_alone(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "deleted"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()  # Nothing can be written here.
    release = served_release(server)
    download(release)
    assert release.cache_file.is_file()


@pytest.mark.usefixtures("no_benchmarks")
def test_two_at_once_download_once(server: Server) -> None:
    release = served_release(server)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(download, [release, release]))
    assert server.served == 1


def test_a_wrong_file_is_refused_and_not_kept(no_benchmarks: Path, server: Server) -> None:
    release = replace(served_release(server), md5="0" * 32)
    with pytest.raises(DatasetError, match=f"instead of {'0' * 32}"):
        download(release)
    assert not release.cache_file.exists()
    assert {path.suffix for path in no_benchmarks.iterdir()} <= {".lock"}


@pytest.mark.usefixtures("no_benchmarks")
def test_the_server_s_refusal_is_the_reason(server: Server) -> None:
    with pytest.raises(DatasetError, match=r"missing\.gz: .*404"):
        download(served_release(server, "missing.gz"))


@pytest.mark.usefixtures("no_benchmarks")
def test_a_download_ends_at_its_deadline() -> None:
    with pytest.raises(DatasetError, match=r"no complete download within 0\.01 s"):
        download(HUMANEVAL, seconds=0.01)


def test_a_cache_folder_that_cannot_be_made_is_named(no_benchmarks: Path) -> None:
    no_benchmarks.rmdir()
    no_benchmarks.write_text("a file where the folder should be")
    with pytest.raises(DatasetError, match="cannot be written"):
        download(HUMANEVAL)
