"""The disk fills up under a run: what cannot be taken waits, and comes in whole when there is room again."""

import contextlib
import os
import subprocess

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small file system")

SCRIPT = """
import os
from azureml.core import Run
run = Run.get_context()
print('before', flush=True)
run.log('n', 0)
open({knock!r}, 'w').write('x')
open({gate!r}).read()
for i in range(1, 2001):
    run.log('n', i); run.log('more', os.urandom(1500).hex()); print('line', i)
"""
# Its own output lies on the full disk: a script has to bear that its write fails, as it has to with any file.
SILENT = """
import os
print('before', flush=True)
open({knock!r}, 'w').write('x')
open({gate!r}).read()
os._exit(7)
"""


@contextlib.contextmanager
def small_disk(wb, folder, size):
    """`folder` of the home on a file system of its own. Answers a function that fills it, and one that makes room again."""
    place = wb.home / folder
    place.mkdir(parents=True, exist_ok=True)
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(place)], stderr=subprocess.PIPE)
    if mount.returncode != 0:
        pytest.skip("no file system can be mounted here: " + mount.stderr.decode().strip())
    filler = place / "filler"

    def fill():
        with open(filler, "wb", buffering=0) as file:
            for piece in (65536, 4096, 1):  # to the last byte
                with contextlib.suppress(OSError):
                    while file.write(b"x" * piece) == piece:
                        pass

    try:
        yield fill, filler.unlink
    finally:
        wb.werkbank("server", "stop", code=None)
        wb.await_gone(list(wb.processes()))
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("folder", ["content/logs", "series"])
def test_the_server_has_no_room_for_what_comes(wb, gate, folder):
    knock, go = gate("knock"), gate("go")
    with small_disk(wb, folder, "64m") as (fill, make_room):
        run = wb.submit(SCRIPT.format(knock=str(knock.path), gate=str(go.path)))
        knock.await_knock()
        wb.await_line(run, "before")
        fill()
        go.open()  # the script does not notice
        wb.wait(run, {"Finalizing"})  # it has ended; its runner keeps what is not taken
        make_room()
        wb.completed(run)
        assert wb.log(run) == "before\n" + "".join(f"line {i}\n" for i in range(1, 2001))
        assert wb.series(run, "n") == list(range(2001))
        assert len(set(wb.series(run, "more"))) == 2000
        assert wb.document(run)["attempt"] == 1


def test_the_end_of_a_script_is_written_when_there_is_room(wb, gate):
    knock, go = gate("knock"), gate("go")
    with small_disk(wb, "work", "16m") as (fill, make_room):
        run = wb.submit(SILENT.format(knock=str(knock.path), gate=str(go.path)))
        knock.await_knock()
        wb.await_line(run, "before")
        (script,) = wb.pids("train.py")
        fill()
        go.open()
        wb.await_gone([script])
        assert wb.document(run)["status"] == "Running"  # nobody can note how it ended
        make_room()
        document = wb.wait(run, limit=30)
        assert document["status"] == "Failed", document
        assert (document["error"]["reason"], document["error"]["exitCode"]) == ("exit_code", 7), document["error"]
        assert wb.log(run) == "before\n"
