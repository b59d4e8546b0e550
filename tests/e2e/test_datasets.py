"""Datasets by the command lines: from a datastore and from a web server, versions, downloads, changes, the end of a name."""

import http.server
import json
import threading

import pytest


class Web(http.server.BaseHTTPRequestHandler):
    """One file, with an ETag, in ranges; the first download breaks off in the middle."""

    content = b"digits,label\n" * 40_000
    etag = '"one"'
    breaks = 1
    asked = []

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def answer(self, with_body):
        if self.path != "/d/labels.csv":
            return self.send_error(404)
        wanted = self.headers.get("Range") or ""
        begin = int(wanted[len("bytes=") :].split("-")[0]) if wanted else 0
        self.asked.append((self.command, begin))
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {begin}-{len(self.content) - 1}/{len(self.content)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", self.etag)
        self.send_header("Content-Length", str(len(self.content) - begin))
        self.end_headers()
        if not with_body:
            return
        if type(self).breaks:
            type(self).breaks -= 1
            self.wfile.write(self.content[begin : begin + 200_000])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(self.content[begin:])

    def log_message(self, *words):
        pass


@pytest.fixture
def web():
    handler = type("OneFile", (Web,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    handler.address = f"http://127.0.0.1:{server.server_port}/d/labels.csv"
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


CSV = ["--path", "workspaceblobstore/digits/**/*.csv"]


def printed(outcome):
    return json.loads(outcome.stdout)


def test_a_dataset_from_its_first_version_to_its_end(wb, web):
    wb.start()
    for name in ("raw/a/1.csv", "raw/b/2.csv", "raw/note.txt"):
        (wb.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (wb.folder / name).write_text(name)
    wb.werkbank("datastore", "upload", "--src", "raw", "--target", "digits")

    nothing = wb.werkbank("dataset", "register", "digits", "--path", "workspaceblobstore/digts/**", code=2)
    assert "[dataset_empty]" in nothing.stderr and '"digits"' in nothing.stderr
    one = printed(wb.werkbank("dataset", "register", "digits", *CSV, "--path", web.address, "-o", "json"))
    assert (one["version"], one["fileCount"]) == (1, 3)
    files = printed(wb.werkbank("dataset", "files", "digits", "-o", "json"))
    assert [each["name"] for each in files] == ["a/1.csv", "b/2.csv", "labels.csv"]
    assert files[0]["hash"].startswith("blake2b:") and files[2]["etag"] == "one"

    # The web server breaks off once; the download goes on from there.
    done = printed(wb.werkbank("dataset", "download", "digits", "--target", "got", "-o", "json"))
    assert done["files"] == 3
    assert (wb.folder / "got/labels.csv").read_bytes() == web.content
    assert (wb.folder / "got/b/2.csv").read_text() == "raw/b/2.csv"
    assert [begin for method, begin in web.asked if method == "GET"][0] == 0
    assert max(begin for method, begin in web.asked if method == "GET") > 0

    # Files of a folder of this machine lie where they lie; the others come into the cache, once.
    places = printed(wb.werkbank("dataset", "local-files", "digits", "-o", "json"))
    assert places[0]["file"].startswith(str(wb.home / "datastores"))
    with open(places[2]["file"], "rb") as cached:
        assert cached.read() == web.content
    gets = sum(method == "GET" for method, _ in web.asked)
    assert printed(wb.werkbank("dataset", "local-files", "digits", "-o", "json")) == places
    assert sum(method == "GET" for method, _ in web.asked) == gets

    # What changes at its place is another dataset.
    (wb.folder / "raw/a/1.csv").write_text("changed")
    again = ["--file", "raw/a/1.csv", "--relative-root", "raw", "--target", "digits", "--overwrite"]
    wb.werkbank("datastore", "upload", *again)
    changed = wb.werkbank("dataset", "download", "digits", "--target", "again", code=2)
    assert "[data_changed]" in changed.stderr and "digits/a/1.csv" in changed.stderr and "--new-version" in changed.stderr
    known = wb.werkbank("dataset", "register", "digits", *CSV, code=2)
    assert "[dataset_exists]" in known.stderr
    two = printed(wb.werkbank("dataset", "register", "digits", *CSV, "--new-version", "-o", "json"))
    assert two["version"] == 2
    assert printed(wb.werkbank("dataset", "download", "digits", "--target", "new", "-o", "json"))["files"] == 2
    assert (wb.folder / "new/a/1.csv").read_text() == "changed"
    wb.werkbank("dataset", "update", "digits:1", "state=old", "-d", "the first")
    versions = printed(wb.werkbank("dataset", "versions", "digits", "-o", "json"))
    assert [(each["version"], each["description"]) for each in versions] == [(2, ""), (1, "the first")]
    assert [each["version"] for each in printed(wb.az("ml", "dataset", "list"))] == [2]
    assert printed(wb.az("ml", "dataset", "show", "-n", "digits", "-v", "1"))["tags"] == {"state": "old"}

    wb.werkbank("dataset", "delete", "digits:1")
    wb.az("ml", "dataset", "unregister", "-n", "digits")
    gone = wb.werkbank("dataset", "show", "digits", code=2)
    assert "[dataset_not_found]" in gone.stderr
