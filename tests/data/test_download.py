"""Downloads against a server on this machine: resume, checksums, and what offline looks like."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from spikecast.core.errors import FetchError, FormatError, SpikecastError, UnknownNameError
from spikecast.data.catalog import DATASETS, DataSet, RemoteFile
from spikecast.data.download import fetch_data_set

CONTENT = bytes(range(256)) * 9000  # 2.3 MB


class Server(ThreadingHTTPServer):
    """Serves CONTENT; stores the ranges of requests; may break off or ignore ranges."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.break_after: int | None = None
        self.resumes = True


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        ranges = self.headers.get("Range")
        self.server.ranges.append(ranges)
        start = int(ranges.split("=")[1].rstrip("-")) if ranges and self.server.resumes else 0
        self.send_response(206 if start else 200)
        body = CONTENT[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        stop = self.server.break_after
        self.wfile.write(body if stop is None else body[:stop])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("SPIKECAST_DATA", str(tmp_path))
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    url = f"http://127.0.0.1:{server.server_port}/file"
    data_set = DataSet("a test", (RemoteFile("file.bin", url),), "", "nobody")
    monkeypatch.setitem(DATASETS, "test", data_set)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_is_downloaded_once_with_progress(server, tmp_path):
    seen = []
    (path,) = fetch_data_set("test", lambda name, done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert len(seen) > 1
    fetch_data_set("test")
    assert len(server.ranges) == 1
    assert not list(tmp_path.glob("*.part"))


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path):
    server.break_after = 1_500_000
    with pytest.raises(FetchError, match="By hand"):
        fetch_data_set("test")
    part = (tmp_path / "file.bin.part").stat().st_size
    assert 0 < part < len(CONTENT)
    assert not (tmp_path / "file.bin").exists()
    server.break_after = None
    (path,) = fetch_data_set("test")
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={part}-"]


def test_a_server_that_cannot_resume_sends_all_again(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(b"wrong beginning")
    server.resumes = False
    (path,) = fetch_data_set("test")
    assert path.read_bytes() == CONTENT


def test_a_wrong_checksum_is_refused(server, monkeypatch):
    file = DATASETS["test"].files[0]
    wrong = DataSet("", (RemoteFile(file.name, file.url, "0" * 64),), "", "")
    monkeypatch.setitem(DATASETS, "test", wrong)
    with pytest.raises(FormatError, match="sha256"):
        fetch_data_set("test")


def test_the_checksum_of_the_first_download_is_remembered(server, tmp_path):
    (path,) = fetch_data_set("test")
    note = tmp_path / "file.bin.sha256"
    assert note.read_text().strip() == hashlib.sha256(CONTENT).hexdigest()
    path.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(FormatError, match="damaged or another version"):
        fetch_data_set("test")


def test_offline_says_where_to_get_it_and_where_to_put_it(server, tmp_path, monkeypatch):
    server.shutdown()
    server.server_close()
    with pytest.raises(FetchError) as caught:
        fetch_data_set("test")
    assert DATASETS["test"].files[0].url in str(caught.value)
    assert str(tmp_path / "file.bin") in str(caught.value)


def test_unknown_names_are_explained():
    with pytest.raises(UnknownNameError, match="Did you mean 'steinmetz'"):
        fetch_data_set("steinmez")


@pytest.mark.parametrize(
    ("content", "reason"), [(b"\xff\xfe", "is damaged"), (b"x" * 10**5, "holds no checksum")]
)
def test_a_damaged_note_is_one_line(server, tmp_path, content, reason):
    fetch_data_set("test")
    note = next((tmp_path).rglob("*.sha256"))
    note.write_bytes(content)
    with pytest.raises(SpikecastError, match=reason) as raised:
        fetch_data_set("test")
    assert len(str(raised.value)) < 300
