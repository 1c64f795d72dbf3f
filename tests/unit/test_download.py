"""Downloads from a server on this machine: cut, resumed, checked, from mirrors."""

import gzip
import hashlib
import http.server
import re
import tarfile
import threading
from pathlib import Path

import pytest

from mia_dual.data import files
from mia_dual.data.catalog import PublishedSet, Source
from mia_dual.data.download import download
from mia_dual.data.files import is_present, make_ready
from mia_dual.errors import DataError, DownloadError
from mia_dual.progress import Silent

CONTENT = bytes(range(256)) * 5000


class Server(http.server.ThreadingHTTPServer):
    """Serves ``CONTENT``; ``cut_at`` closes the first answer early, ``ranges`` may be off."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests, self.cut_at, self.ranges, self.content = [], None, True, CONTENT
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, name):
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests.append(self.headers.get("Range"))
        if "missing" in self.path:
            self.send_error(404)
            return
        start = 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if wanted and server.ranges:
            start = int(wanted[1])
            if start >= len(server.content):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(server.content) - start))
        self.end_headers()
        end = len(server.content)
        if server.cut_at is not None:
            end, server.cut_at = server.cut_at, None
        self.wfile.write(server.content[start:end])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def no_other_data(monkeypatch, tmp_path):
    monkeypatch.setenv("MIA_DUAL_DATA", str(tmp_path / "default"))


def source(*urls, content=CONTENT, gives=None):
    return Source(urls, hashlib.md5(content).hexdigest(), gives or {"": "set/file"})


def published(*sources):
    return PublishedSet("thing", "things", 2, (1, 1, 1), 1, {"": sources})


def test_a_download_is_whole_and_leaves_nothing_else(server, tmp_path):
    file = download(source(server.url("a.bin")), tmp_path, Silent())
    assert file.read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_download_goes_on_or_starts_again(server, tmp_path, ranges):
    server.cut_at, server.ranges = 300_000, ranges
    with pytest.raises(DownloadError):
        download(source(server.url("a.bin")), tmp_path, Silent())
    assert not (tmp_path / "a.bin").exists()
    assert download(source(server.url("a.bin")), tmp_path, Silent()).read_bytes() == CONTENT
    assert server.requests == [None, "bytes=300000-"]


def test_a_part_that_is_whole_already_is_taken(server, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    assert download(source(server.url("a.bin")), tmp_path, Silent()).read_bytes() == CONTENT


def test_a_wrong_checksum_is_told_and_not_kept(server, tmp_path):
    with pytest.raises(DownloadError, match="checksum is wrong"):
        download(source(server.url("a.bin"), content=b"other"), tmp_path, Silent())
    assert list(tmp_path.iterdir()) == []


def test_the_next_mirror_is_asked(server, tmp_path):
    urls = server.url("missing/a.bin"), server.url("a.bin")
    assert download(source(*urls), tmp_path, Silent()).read_bytes() == CONTENT


def test_every_failure_and_every_file_looked_for_is_named(server, tmp_path):
    thing = published(source(server.url("missing/a.gz"), "http://127.0.0.1:9/a.gz"))
    with pytest.raises(DownloadError) as caught:
        make_ready(thing, "", tmp_path / "mine", Silent())
    for word in ("'thing'", "Not Found", "127.0.0.1:9", "set/file", "mine", "--data-dir"):
        assert word in str(caught.value)


def test_a_gzipped_copy_is_unpacked_and_found_ready_next_time(tmp_path):
    packed = gzip.compress(CONTENT)
    (tmp_path / "a.gz").write_bytes(packed)
    thing = published(source("http://127.0.0.1:9/a.gz", content=packed))
    assert is_present(thing, "", tmp_path) == tmp_path
    for _ in range(2):
        assert make_ready(thing, "", tmp_path, Silent()) == tmp_path
        assert (tmp_path / "set" / "file").read_bytes() == CONTENT
        (tmp_path / "a.gz").unlink(missing_ok=True)


def test_a_damaged_copy_is_named(tmp_path):
    (tmp_path / "a.gz").write_bytes(b"cut")
    thing = published(source("http://127.0.0.1:9/a.gz", content=b"whole"))
    with pytest.raises(DataError, match=r"a\.gz' is damaged"):
        make_ready(thing, "", tmp_path, Silent())


def test_an_archive_gives_its_expected_members_alone(server, tmp_path):
    archive = tmp_path / "build.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("inside", "evil"):
            (tmp_path / name).write_bytes(name.encode())
        tar.add(tmp_path / "inside", "top/inside")
        tar.add(tmp_path / "evil", "../evil-outside")
    server.content = archive.read_bytes()
    home = tmp_path / "home"
    thing = published(
        source(server.url("x.tar.gz"), content=server.content, gives={"top/inside": "top/inside"})
    )
    assert make_ready(thing, "", home, Silent()) == home
    assert (home / "top" / "inside").read_bytes() == b"inside"
    assert not list(tmp_path.rglob("evil-outside"))


def test_copies_in_a_folder_that_cannot_be_written_are_unpacked_elsewhere(tmp_path, monkeypatch):
    packed = gzip.compress(CONTENT)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "a.gz").write_bytes(packed)
    thing = published(source("http://127.0.0.1:9/a.gz", content=packed))
    # Root may write anywhere, so the answer is planted.
    allowed = files.os.access
    monkeypatch.setattr(
        files.os, "access", lambda path, mode: Path(path).name != "shared" and allowed(path, mode)
    )
    assert make_ready(thing, "", tmp_path / "shared", Silent()) == tmp_path / "default"
    assert (tmp_path / "default" / "set" / "file").read_bytes() == CONTENT
