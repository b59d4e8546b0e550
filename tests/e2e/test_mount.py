"""Datastores as folders: what a script sees of them, what it sees when the storage fails, and how a mount goes away."""

import ctypes
import errno
import http.server
import json
import mmap
import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from test_data import KEY, azurite  # noqa: F401 (a fixture)
from workbench import PATIENCE_S, RELEASE

RUNNER = RELEASE / "werkbank-runner"
MIB = 1024 * 1024


def why_not():
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse: {error}"
    return "" if os.geteuid() == 0 else "only root mounts without fusermount3"


pytestmark = pytest.mark.skipif(bool(why_not()), reason=f"FUSE cannot be tried here: {why_not()}")


def noise(count, seed=1):
    return random.Random(seed).randbytes(count)


def until(condition, limit=PATIENCE_S):
    """Polls: neither the kernel nor a file system tells of what these tests wait for."""
    deadline = time.monotonic() + limit
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not come to be"
        threading.Event().wait(0.01)


class Storage:
    """A bucket that speaks as much of S3 as reading takes, and that can be silent, broken, or changed."""

    def __init__(self, files):
        self.files, self.etag, self.mode, self.requests = dict(files), "one", "fine", 0
        self.go_on = threading.Event()
        storage = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                storage.requests += 1
                if storage.mode == "silent":
                    storage.go_on.wait()
                    return
                body = storage.files.get(self.path.split("?")[0].partition("/bucket/")[2])
                status = 500 if storage.mode == "broken" else 404 if body is None else 206
                if status == 206 and self.headers.get("If-Match") != f'"{storage.etag}"':
                    status = 412
                first, last = self.headers["Range"].partition("=")[2].split("-")
                body = body[int(first) : int(last) + 1] if status == 206 else b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("ETag", f'"{storage.etag}"')
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def source(self):
        address = f"http://127.0.0.1:{self.server.server_address[1]}"
        settings = {"bucket": "bucket", "endpoint": address}
        return {"identity": address, "localFolder": "", "description": {"name": "s", "kind": "s3", "settings": settings}}

    def listed(self):
        return [{"name": name, "path": name, "sizeBytes": len(body), "etag": self.etag} for name, body in self.files.items()]

    def close(self):
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()


class Mounted:
    """A mount served by the runner alone, as on a machine that has nothing else."""

    def __init__(self, folder, files, sources, **more):
        folder.mkdir(exist_ok=True)
        self.at, self.state, self.log = folder / "mnt", folder / "state.json", folder / "mount.log"
        self.state.unlink(missing_ok=True)
        request = {"folder": str(self.at), "files": files, "sources": sources, "cacheFolder": str(folder.parent / "cache")}
        request.update(stateFile=str(self.state), logFile=str(self.log), **more)
        (folder / "request").write_text(json.dumps(request))
        self.process = subprocess.Popen([RUNNER, "mount", folder / "request"])
        until(lambda: self.state.exists() or self.process.poll() is not None)
        self.told = json.loads(self.state.read_text())

    def lines(self):
        return self.log.read_text() if self.log.exists() else ""

    def end(self):
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) == 0
        assert not is_mounted(self.at) and not self.at.exists() and not self.state.exists()


def is_mounted(folder):
    return any(line.split()[4] == str(folder) for line in Path("/proc/self/mountinfo").read_text().splitlines())


@pytest.fixture
def mount(tmp_path):
    mounts = []

    def begin(*words, name="one", **more):
        mounts.append(Mounted(tmp_path / name, *words, **more))
        return mounts[-1]

    yield begin
    for one in mounts:
        one.process.kill()
        one.process.wait()
        subprocess.run(["umount", "-l", one.at], stderr=subprocess.DEVNULL)


@pytest.fixture
def storage():
    made = []

    def make(files):
        made.append(Storage(files))
        return made[-1]

    yield make
    for one in made:
        one.close()


def folder_source(folder):
    description = {"name": "f", "kind": "folder", "settings": {"path": str(folder)}}
    return {"identity": str(folder), "localFolder": str(folder), "description": description}


def folder_files(folder):
    files = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        facts, name = file.stat(), str(file.relative_to(folder))
        seconds, nanoseconds = divmod(facts.st_mtime_ns, 1_000_000_000)
        etag = f"{facts.st_ino}-{facts.st_size}-{seconds}-{nanoseconds}"
        files.append({"name": name, "path": name, "sizeBytes": facts.st_size, "etag": etag})
    return files


def error_of(call):
    with pytest.raises(OSError) as caught:
        call()
    return caught.value.errno


def read_uncached(file):
    """Past what the kernel keeps."""
    fd = os.open(file, os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        return b"".join(iter(lambda: os.read(fd, MIB), b""))
    finally:
        os.close(fd)


# Large files of a folder here are read by the kernel itself, where it can; small ones never.
@pytest.mark.parametrize("size", [4 * MIB + 5, MIB + 5])
def test_a_folder_is_what_it_was_and_cannot_be_written(mount, tmp_path, size):
    data = tmp_path / "data"
    content = {"a.bin": noise(size), "sub/deep er/\u00e4.txt": b"text", "sub/empty": b""}
    for name, body in content.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(body)
    one = mount(folder_files(data), [folder_source(data)])
    walked = {str(path.relative_to(one.at)): path.read_bytes() for path in one.at.rglob("*") if path.is_file()}
    assert walked == content
    assert sorted(os.listdir(one.at / "sub")) == ["deep er", "empty"]
    assert (one.at / "a.bin").stat().st_size == size and (one.at / "a.bin").stat().st_mode & 0o777 == 0o444
    with open(one.at / "a.bin", "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert mapped[MIB - 3 : MIB + 3] == content["a.bin"][MIB - 3 : MIB + 3]
    assert error_of(lambda: open(one.at / "nothing")) == errno.ENOENT
    for mode in ("r+b", "wb"):
        assert error_of(lambda: open(one.at / "a.bin", mode)) == errno.EROFS
    assert error_of(lambda: os.remove(one.at / "a.bin")) == errno.EROFS
    assert one.lines() == ""
    # What is written over there meanwhile is another file: EIO, and a line.
    (data / "a.bin").write_bytes(noise(size, seed=2))
    assert error_of(lambda: read_uncached(one.at / "a.bin")) == errno.EIO
    assert "a.bin cannot be read (EIO): data_changed" in one.lines()
    one.end()


def test_what_was_read_once_is_on_this_machine(mount, storage, tmp_path):
    content = {"big": noise(9 * MIB + 17), "d/small": b"hello", "empty": b""}
    bucket = storage(content)
    one = mount(bucket.listed(), [bucket.source()])
    for name, body in content.items():
        assert (one.at / name).read_bytes() == body
    assert one.lines() == ""
    asked = bucket.requests
    assert asked <= 11  # no piece twice
    for name, body in content.items():
        assert read_uncached(one.at / name) == body
    one.end()
    bucket.mode = "broken"
    again = mount(bucket.listed(), [bucket.source()])
    for name, body in content.items():
        assert (again.at / name).read_bytes() == body
    assert bucket.requests == asked
    whole = [file for file in (tmp_path / "cache").rglob("*") if file.is_file() and file.name != "lock"]
    assert sorted(file.stat().st_size for file in whole) == [5, len(content["big"])]
    again.end()


def test_two_mounts_share_a_cache_at_the_same_time(mount, storage):
    content = {f"f{number}": noise(2 * MIB + number, seed=number) for number in range(6)}
    bucket = storage(content)
    mounts = [mount(bucket.listed(), [bucket.source()], name=name) for name in ("one", "two")]
    readers = [subprocess.Popen(["cmp", one.at / name, "-"], stdin=subprocess.PIPE) for one in mounts for name in content]
    for reader, body in zip(readers, list(content.values()) * 2):
        reader.stdin.write(body)
        reader.stdin.close()
    assert [reader.wait(PATIENCE_S) for reader in readers] == [0] * 12
    assert [one.lines() for one in mounts] == ["", ""]


def test_a_storage_that_is_silent_broken_or_changed_is_an_error_and_a_line(mount, storage):
    bucket = storage({"a": b"a" * 10, "b": b"b" * 10, "c": b"c" * 10, "gone": b"g", "fine": b"f"})
    one = mount(bucket.listed(), [bucket.source()])
    hasty = mount(bucket.listed(), [bucket.source()], name="two", patienceMs=500)
    del bucket.files["gone"]
    assert error_of((one.at / "gone").read_bytes) == errno.EIO
    bucket.mode = "silent"
    assert error_of((hasty.at / "a").read_bytes) == errno.EIO
    assert "a cannot be read (EIO): storage_unavailable" in hasty.lines()
    bucket.mode = "broken"
    assert error_of((one.at / "b").read_bytes) == errno.EIO
    bucket.mode, bucket.etag = "fine", "two"
    assert error_of((one.at / "c").read_bytes) == errno.EIO
    for name, code in (("gone", "not_found"), ("b", "storage_unavailable"), ("c", "data_changed")):
        assert f"{name} cannot be read (EIO): {code}" in one.lines()
    # The mount itself is fine.
    bucket.etag = "one"
    assert (one.at / "fine").read_bytes() == b"f"
    one.end()


def test_a_reader_that_is_killed_does_not_wait_for_the_storage(mount, storage):
    bucket = storage({"a": b"a" * 10})
    bucket.mode = "silent"
    one = mount(bucket.listed(), [bucket.source()])
    reader = subprocess.Popen(["cat", one.at / "a"], stdout=subprocess.DEVNULL)
    until(lambda: bucket.requests)
    reader.kill()
    assert reader.wait(PATIENCE_S) == -signal.SIGKILL
    one.end()  # nor does the mount


def test_a_mount_whose_process_is_killed_is_an_error_and_gives_way_to_a_new_one(mount, storage):
    bucket = storage({"a": b"a" * 10})
    bucket.mode = "silent"
    one = mount(bucket.listed(), [bucket.source()])
    reader = subprocess.Popen(["cat", one.at / "a"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    until(lambda: bucket.requests)
    one.process.kill()
    _, said = reader.communicate(timeout=PATIENCE_S)
    assert reader.returncode == 1 and b"onnect" in said  # "Software caused connection abort", "… not connected"
    assert error_of(lambda: os.listdir(one.at)) == errno.ENOTCONN
    bucket.mode = "fine"
    again = mount(bucket.listed(), [bucket.source()])
    assert (again.at / "a").read_bytes() == b"a" * 10
    # Its owner is gone: so is it.
    again.state.unlink()
    assert again.process.wait(PATIENCE_S) == 0
    assert not is_mounted(again.at)


def test_a_full_cache_disk_is_a_line_and_no_error(mount, storage, tmp_path):
    libc = ctypes.CDLL(None, use_errno=True)
    cache = tmp_path / "cache"
    cache.mkdir()
    assert libc.mount(b"tmpfs", str(cache).encode(), b"tmpfs", 0, b"size=3m") == 0, os.strerror(ctypes.get_errno())
    try:
        content = {"big": noise(12 * MIB), "small": b"hello"}
        bucket = storage(content)
        one = mount(bucket.listed(), [bucket.source()])
        for name, body in content.items():
            assert (one.at / name).read_bytes() == body
        assert one.lines().count("\n") <= 1
        one.end()
    finally:
        libc.umount2(str(cache).encode(), 2)


def test_a_dataset_is_mounted_by_its_name(wb):
    wb.start()
    (wb.folder / "in/sub").mkdir(parents=True)
    (wb.folder / "in/a.csv").write_text("a")
    (wb.folder / "in/sub/b.csv").write_text("b")
    (wb.folder / "in/c.txt").write_text("c")
    wb.werkbank("datastore", "upload", "--src", "in", "--target", "x")
    wb.werkbank("dataset", "register", "tables", "--kind", "file", "--path", "workspaceblobstore/x/**/*.csv")
    for reference in ("tables", "tables:1"):
        wb.werkbank("mount", reference, "here", "--background")
        assert sorted(os.listdir(wb.folder / "here")) == ["a.csv", "sub"]
        assert (wb.folder / "here/sub/b.csv").read_text() == "b" and not (wb.folder / "here/c.txt").exists()
        wb.werkbank("unmount", "here")
    for nothing in ("tabels", "tables:9"):
        assert "tab" in wb.werkbank("mount", nothing, "here", code=2).stderr


def test_what_cannot_be_mounted_is_said(mount, storage, tmp_path):
    bucket = storage({"a": b"a"})
    taken = tmp_path / "one" / "mnt"
    taken.mkdir(parents=True)
    (taken / "mine").write_text("x")
    refused = mount(bucket.listed(), [bucket.source()])
    assert refused.told["error"]["code"] == "already_exists" and "not empty" in refused.told["error"]["message"]
    assert (taken / "mine").read_text() == "x"
    twice = mount(bucket.listed() * 2, [bucket.source()], name="two")
    assert twice.told["error"]["code"] == "already_exists"
    outside = mount([dict(bucket.listed()[0], name="../a")], [bucket.source()], name="three")
    assert outside.told["error"]["code"] == "path_refused"


def test_the_command_line_mounts_and_unmounts(wb, azurite):  # noqa: F811
    wb.start()
    (wb.folder / "in/sub").mkdir(parents=True)
    (wb.folder / "in/a").write_bytes(noise(2 * MIB))
    (wb.folder / "in/sub/b").write_text("b")
    (wb.folder / "key").write_text(KEY)
    words = ["azure-blob", "cloud", "--account", "devstoreaccount1", "--container", "mounts", "--endpoint", azurite]
    wb.werkbank("datastore", "register", *words, "--account-key-file", "key", "--create-if-not-exists")
    for name in ("workspaceblobstore", "cloud"):
        wb.werkbank("datastore", "upload", name, "--src", "in", "--target", "x")
        wb.werkbank("mount", name + "/x", "here", "--background")
        assert (wb.folder / "here/a").read_bytes() == noise(2 * MIB) and (wb.folder / "here/sub/b").read_text() == "b"
        again = wb.werkbank("mount", name, "here", "--background", code=None)
        assert again.returncode != 0 and "mounted at" in again.stderr
        wb.werkbank("unmount", "here")
        assert not (wb.folder / "here").exists()
    assert json.loads(wb.werkbank("cache", "show", "-o", "json").stdout)["files"] == 2
    for file in [*wb.home.glob("mounts/*"), *wb.home.glob("logs/*")]:
        assert KEY not in file.read_text()
    wb.werkbank("cache", "clear")
    assert json.loads(wb.werkbank("cache", "show", "-o", "json").stdout)["sizeBytes"] == 0
    missing = wb.werkbank("mount", "cloud/nothing", "here", code=2)
    assert "nothing" in missing.stderr
    # In the foreground, until Ctrl-C.
    process = wb.popen(RELEASE / "werkbank", "mount", "cloud/x/sub/b", "file")
    assert b"Ctrl-C" in process.stderr.readline()
    assert os.listdir(wb.folder / "file") == ["b"]
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0
    assert not (wb.folder / "file").exists()
    not_ours = wb.werkbank("unmount", "in", code=2)
    assert "nothing of Werkbank is mounted" in not_ours.stderr
    # Without the right to mount: what is missing, before anything else is done.
    words = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", RELEASE / "werkbank"]
    refused = wb.run(*words, "mount", "cloud", "here", code=None)
    assert refused.returncode != 0 and "SYS_ADMIN" in refused.stderr and "--device /dev/fuse" in refused.stderr
    assert not (wb.folder / "here").exists()
    assert "warn  mount" in wb.run(*words, "doctor", code=None).stdout
    assert "ok    mount" in wb.werkbank("doctor", code=None).stdout
