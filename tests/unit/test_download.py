"""Downloads from a server on this machine, by https: cut, resumed, checked, from mirrors."""

import gzip
import hashlib
import http.server
import io
import ipaddress
import os
import re
import ssl
import tarfile
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mia_dual.data import files
from mia_dual.data.catalog import PUBLISHED, PublishedSet, Source
from mia_dual.data.download import download
from mia_dual.data.files import fetch, locate, read
from mia_dual.errors import DataError, DownloadError
from mia_dual.progress import Silent

CONTENT = bytes(range(256)) * 5000


class Server(http.server.ThreadingHTTPServer):
    """Serves ``CONTENT``; ``cut_at`` closes the first answer early, ``ranges`` may be off.

    ``leads_to``: where everything is said to have moved.
    """

    def __init__(self, certificate=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme, self.leads_to = "http", None
        if certificate is not None:
            secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            secured.load_cert_chain(certificate)
            self.socket = secured.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"
        self.requests, self.cut_at, self.ranges, self.content = [], None, True, CONTENT
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, name):
        return f"{self.scheme}://127.0.0.1:{self.server_port}/{name}"

    def handle_error(self, request, client_address):
        """A client that does not trust the certificate goes away."""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests.append(self.headers.get("Range"))
        if server.leads_to is not None:
            self.send_response(302)
            self.send_header("Location", server.leads_to)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a certificate of this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "here")])
    here, now = x509.IPAddress(ipaddress.ip_address("127.0.0.1")), datetime.now(timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    file = tmp_path_factory.mktemp("certificate") / "both.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(signed.public_bytes(Encoding.PEM) + private)
    return file


def serving(certificate=None):
    server = Server(certificate)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    yield from serving(certificate)


@pytest.fixture
def plain():
    """A server without https."""
    yield from serving()


def source(*urls, content=CONTENT, gives=None, sums=None):
    sha256 = hashlib.sha256(content).hexdigest()
    return Source(urls, sha256, gives or {"": "set/file"}, sums or {})


def published(*sources, places=()):
    return PublishedSet("thing", "things", 2, (1, 1, 1), 1, 1, {"idx": sources}, places=places)


def find_or_fetch(thing, *folders):
    """What ``read_published`` does: the contents of all files, downloaded where not here."""
    _, located = locate(thing, folders) or fetch(thing, folders, Silent())
    return read(located)


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


def test_nothing_is_asked_without_https(plain, tmp_path):
    with pytest.raises(DownloadError, match=r"a\.bin \(it is not https\)"):
        download(source(plain.url("a.bin")), tmp_path, Silent())
    assert (plain.requests, list(tmp_path.iterdir())) == ([], [])


def test_no_redirect_leads_away_from_https(server, plain, tmp_path):
    server.leads_to = plain.url("a.bin")
    with pytest.raises(DownloadError, match=r"leads to 'http://.*, which is not https"):
        download(source(server.url("a.bin")), tmp_path, Silent())
    assert (plain.requests, list(tmp_path.iterdir())) == ([], [])


def test_a_redirect_from_https_to_https_is_followed(server, certificate, tmp_path):
    for moved in serving(certificate):
        moved.leads_to = server.url("a.bin")
        file = download(source(moved.url("a.bin")), tmp_path, Silent())
        assert file.read_bytes() == CONTENT


def test_a_server_that_nobody_vouches_for_is_not_believed(server, tmp_path, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(DownloadError, match="CERTIFICATE_VERIFY_FAILED"):
        download(source(server.url("a.bin")), tmp_path, Silent())
    assert server.requests == []


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_published_file_has_a_sha256_and_is_asked_for_by_https(name):
    for sources in PUBLISHED[name].forms.values():
        for published_file in sources:
            assert re.fullmatch("[0-9a-f]{64}", published_file.sha256)
            assert all(url.startswith("https://") for url in published_file.urls)
            assert {url.rpartition("/")[2] for url in published_file.urls} == {published_file.name}


def test_the_next_mirror_is_asked(server, tmp_path):
    urls = server.url("missing/a.bin"), server.url("a.bin")
    assert download(source(*urls), tmp_path, Silent()).read_bytes() == CONTENT


def test_every_failure_and_every_file_looked_for_is_named(server, tmp_path):
    thing = published(source(server.url("missing/a.gz"), "https://127.0.0.1:9/a.gz"))
    with pytest.raises(DownloadError) as caught:
        find_or_fetch(thing, tmp_path / "mine")
    for word in ("'thing'", "Not Found", "127.0.0.1:9", "set/file", "mine", "--data-dir"):
        assert word in str(caught.value)


@pytest.mark.parametrize("where", [".", "set"])
def test_a_gzipped_copy_is_read_as_it_lies(tmp_path, where):
    packed = gzip.compress(CONTENT)
    (tmp_path / where).mkdir(exist_ok=True)
    (tmp_path / where / "a.gz").write_bytes(packed)
    thing = published(source("https://127.0.0.1:9/a.gz", content=packed))
    (content,) = find_or_fetch(thing, tmp_path)
    assert content.data == CONTENT
    assert content.md5 == hashlib.md5(CONTENT).hexdigest()
    assert content.as_published
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / where / "a.gz"]


def test_a_copy_compressed_again_is_told_by_its_content(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(CONTENT, 1))
    sums = {"set/file": hashlib.md5(CONTENT).hexdigest()}
    packed = gzip.compress(CONTENT)
    thing = published(source("https://127.0.0.1:9/a.gz", content=packed, sums=sums))
    assert find_or_fetch(thing, tmp_path)[0].data == CONTENT
    (tmp_path / "a.gz").write_bytes(gzip.compress(CONTENT[1:]))
    with pytest.raises(DataError, match=r"a\.gz' is damaged, or of another set"):
        find_or_fetch(thing, tmp_path)


def test_a_file_whose_sum_is_known_is_checked(tmp_path):
    (tmp_path / "set").mkdir()
    sums = {"set/file": hashlib.md5(CONTENT).hexdigest()}
    thing = published(source("https://127.0.0.1:9/a.gz", sums=sums))
    (tmp_path / "set" / "file").write_bytes(CONTENT)
    assert find_or_fetch(thing, tmp_path)[0].as_published
    (tmp_path / "set" / "file").write_bytes(CONTENT[:-1])
    with pytest.raises(DataError, match=r"set/file' is damaged"):
        find_or_fetch(thing, tmp_path)


def test_a_file_whose_sum_is_unknown_is_not_called_published(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "file").write_bytes(CONTENT)
    thing = published(source("https://127.0.0.1:9/a.gz"))
    assert not find_or_fetch(thing, tmp_path)[0].as_published


def broken_gzip():
    packed = bytearray(gzip.compress(CONTENT))
    packed[len(packed) // 2] ^= 255
    return bytes(packed)


@pytest.mark.parametrize("content", [b"cut", gzip.compress(CONTENT)[:-9], b"", broken_gzip()])
@pytest.mark.parametrize("known", [False, True])
def test_a_damaged_copy_is_named(tmp_path, content, known):
    (tmp_path / "a.gz").write_bytes(content)
    sums = {"set/file": hashlib.md5(CONTENT).hexdigest()} if known else {}
    thing = published(source("https://127.0.0.1:9/a.gz", content=b"whole", sums=sums))
    with pytest.raises(DataError, match=r"a\.gz'.*delete it") as caught:
        find_or_fetch(thing, tmp_path)
    assert "\n" not in str(caught.value)


def test_what_unpacks_to_more_than_any_published_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LONGEST", 1000)
    (tmp_path / "a.gz").write_bytes(gzip.compress(CONTENT))
    thing = published(source("https://127.0.0.1:9/a.gz", sums={"set/file": "0"}))
    with pytest.raises(DataError, match="more than any published file"):
        find_or_fetch(thing, tmp_path)


def test_an_archive_gives_its_expected_members_alone(server, tmp_path):
    archive = tmp_path / "build.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("second", "first", "evil"):
            (tmp_path / name).write_bytes(name.encode())
        tar.add(tmp_path / "second", "top/second")
        tar.add(tmp_path / "evil", "../evil-outside")
        tar.add(tmp_path / "first", "top/first")
    server.content = archive.read_bytes()
    home = tmp_path / "home"
    gives = {name: name for name in ("top/first", "top/second")}
    thing = published(source(server.url("x.tar.gz"), content=server.content, gives=gives))
    contents = find_or_fetch(thing, home)
    assert [content.data for content in contents] == [b"first", b"second"]
    assert all(content.as_published for content in contents)
    assert list(home.iterdir()) == [home / "x.tar.gz"]
    assert find_or_fetch(thing, home) == contents
    assert len(server.requests) == 1


def member(name, kind=tarfile.REGTYPE, leads_to="", size=0):
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.size = kind, leads_to, size
    return found


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE],
)
def test_members_that_are_no_files_give_nothing_and_none_leaves_its_archive(tmp_path, kind):
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")
    home, archive = tmp_path / "home", tmp_path / "home" / "x.tar.gz"
    home.mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("../planted", str(tmp_path / "planted"), "in/../../planted"):
            tar.addfile(member(name, size=3), io.BytesIO(b"bad"))
        tar.addfile(member("in", kind, str(outside)))
    thing = published(
        source("https://127.0.0.1:9/x.tar.gz", content=archive.read_bytes(), gives={"in": "in"})
    )
    with pytest.raises(DataError, match=r"x\.tar\.gz' cannot be read \(.*delete it"):
        find_or_fetch(thing, home)
    assert sorted(tmp_path.rglob("*")) == [home, archive, outside]


def test_a_member_that_unpacks_to_more_than_any_published_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LONGEST", 1000)
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
        tar.addfile(member("in", size=1001), io.BytesIO(bytes(1001)))
    content = (tmp_path / "x.tar.gz").read_bytes()
    thing = published(source("https://127.0.0.1:9/x.tar.gz", content=content, gives={"in": "in"}))
    with pytest.raises(DataError, match="more than any published file"):
        find_or_fetch(thing, tmp_path)


def test_an_archive_of_another_sum_is_not_unpacked(tmp_path, monkeypatch):
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
        tar.addfile(member("in", size=2), io.BytesIO(b"in"))
    monkeypatch.setattr(tarfile, "open", None)
    thing = published(source("https://127.0.0.1:9/x.tar.gz", gives={"in": "in"}))
    with pytest.raises(DataError, match="its SHA-256 is not"):
        find_or_fetch(thing, tmp_path)


def test_an_archive_that_lacks_a_file_is_named(tmp_path):
    archive = tmp_path / "x.tar.gz"
    with tarfile.open(archive, "w:gz"):
        pass
    thing = published(
        source("https://127.0.0.1:9/x.tar.gz", content=archive.read_bytes(), gives={"in": "in"})
    )
    with pytest.raises(DataError, match=r"x\.tar\.gz' cannot be read \(it has no in\)"):
        find_or_fetch(thing, tmp_path)


def test_sets_whose_files_share_a_name_do_not_meet(server, tmp_path):
    server.content = gzip.compress(CONTENT)
    first = published(source(server.url("a.gz"), content=server.content, gives={"": "one/file"}))
    find_or_fetch(first, tmp_path)
    server.content = gzip.compress(b"other")
    second = published(source(server.url("a.gz"), content=server.content, gives={"": "two/file"}))
    assert find_or_fetch(second, tmp_path)[0].data == b"other"
    assert (tmp_path / "one" / "a.gz").is_file()
    assert (tmp_path / "two" / "a.gz").is_file()


def test_the_first_folder_decides_and_in_it_the_first_form(tmp_path):
    one = Source(("https://127.0.0.1:9/one",), "", {"": "set/one"})
    two = Source(("https://127.0.0.1:9/two",), "", {"": "set/two"})
    thing = replace(published(), forms={"binary": (one,), "python": (two,)})
    near, far = tmp_path / "near" / "set", tmp_path / "far" / "set"
    near.mkdir(parents=True)
    far.mkdir(parents=True)
    folders = [tmp_path / "near", tmp_path / "far"]
    assert locate(thing, folders) is None
    (far / "one").write_bytes(b"1")
    assert locate(thing, folders)[1][0].files == (far / "one",)
    (near / "two").write_bytes(b"2")
    form, (located,) = locate(thing, folders)
    assert (form, located.files) == ("python", (near / "two",))
    (near / "one").write_bytes(b"1")
    form, (located,) = locate(thing, folders)
    assert (form, located.files) == ("binary", (near / "one",))


def test_a_pipe_where_a_file_should_be_is_not_opened(tmp_path):
    (tmp_path / "set").mkdir()
    os.mkfifo(tmp_path / "set" / "file")
    assert locate(published(source("https://127.0.0.1:9/a.gz")), [tmp_path]) is None


def test_a_place_of_the_system_is_looked_in_last_and_never_written(server, tmp_path):
    system = tmp_path / "system"
    system.mkdir()
    server.content = packed = gzip.compress(CONTENT)
    thing = published(source(server.url("a.gz"), content=packed), places=(system,))
    find_or_fetch(thing, tmp_path / "home")
    assert (tmp_path / "home" / "set" / "a.gz").is_file()
    assert list(system.iterdir()) == []
    (system / "a.gz").write_bytes(packed)
    assert find_or_fetch(thing, tmp_path / "nothing")[0].data == CONTENT
    assert len(server.requests) == 1


def test_without_a_folder_to_write_it_says_so(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="no data folder can be written"):
        find_or_fetch(published(source("https://127.0.0.1:9/a.gz")), tmp_path / "file" / "below")
