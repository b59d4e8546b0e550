"""Datastores: every workspace's own, folders and blob containers, through SDK, both command lines, jobs, and from elsewhere."""

import json
import re
import subprocess

import pytest
from test_access import Tcp
from workbench import PATIENCE_S, ROOT

NOTEBOOK = """
import os
from azureml.core import Datastore, Run, Workspace
from azureml.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore
from azureml.exceptions import UserErrorException
ws = Workspace.get('default')
ds = ws.get_default_datastore()
assert isinstance(ds, AzureBlobDatastore) and ds.name == 'workspaceblobstore', ds
assert isinstance(Datastore(ws, 'workspacefilestore'), AzureFileDatastore)
assert sorted(ws.datastores) == ['workspaceblobstore', 'workspacefilestore']
os.makedirs('data/sub')
open('data/a.csv', 'w').write('a')
open('data/sub/b.csv', 'w').write('bb')
reference = ds.upload(src_dir='./data', target_path='train', overwrite=True, show_progress=True)
assert reference.path_on_datastore == 'train' and str(reference).startswith('$AZUREML_DATAREFERENCE_')
print('--')
ds.upload_files(['data/a.csv'], target_path='train')
print('--')
ds.upload_files(['data/a.csv', 'data/sub/b.csv'], relative_root='.', target_path='raw/', show_progress=False)
assert ds.download('copy', prefix='train', show_progress=False) == 2
assert open('copy/train/sub/b.csv').read() == 'bb'
assert ds.download('copy', prefix='raw/data', show_progress=False) == 2
assert ds.download('copy', prefix='nothing/here') == 0
own = Datastore.register_folder(ws, 'images', os.path.abspath('images'), create_if_not_exists=True)
own.upload('data', show_progress=False)
assert open('images/sub/b.csv').read() == 'bb'
own.set_as_default()
assert Datastore.get_default(ws).name == 'images'
for wrong in (lambda: Datastore.register_folder(ws, 'none', '/nowhere/at/all'), lambda: own.upload('none')):
    try:
        wrong()
    except UserErrorException as error:
        assert 'there is no' in error.message.lower() or 'No such file' in error.message, error.message
    else:
        raise AssertionError('taken')
own.unregister()
assert ws.get_default_datastore().name == 'workspaceblobstore' and os.path.exists('images/a.csv')
"""


def test_a_notebook_uploads_and_downloads(wb):
    wb.start()
    shown = wb.python(NOTEBOOK).stdout.split("--\n")
    assert shown[0].startswith("Uploading an estimated of 2 files\n")
    assert re.search(r"^Uploaded .*b\.csv, [12] files out of an estimated total of 2$", shown[0], re.M)
    assert shown[0].endswith("Uploaded 2 files\n")
    assert "Target already exists. Skipping upload for train/a.csv\n" in shown[1] and shown[1].endswith("Uploaded 0 files\n")
    # The same data by the command lines.
    got = wb.werkbank("datastore", "download", "--path", "train/sub", "--target", "again", "-o", "json")
    assert json.loads(got.stdout)["files"] == 1
    assert (wb.folder / "again/train/sub/b.csv").read_text() == "bb"
    missing = wb.werkbank("datastore", "download", "--path", "trian", "--target", "again", code=2)
    assert "'trian'" in missing.stderr or '"trian"' in missing.stderr
    az = wb.az("ml", "datastore", "upload", "-n", "workspacefilestore", "-p", "again", "-u", "t")
    assert json.loads(az.stdout)["files"] == 1
    assert [item["name"] for item in json.loads(wb.az("ml", "datastore", "list").stdout)] == [
        "workspaceblobstore",
        "workspacefilestore",
    ]


def test_a_job_reads_and_writes_data(wb):
    script = """
from azureml.core import Run
ds = Run.get_context().experiment.workspace.get_default_datastore()
ds.download('.', prefix='in', show_progress=False)
open('result', 'w').write(open('in/x').read().upper())
ds.upload_files(['result'], target_path='out', show_progress=False)
"""
    (wb.folder / "x").write_text("data")
    wb.werkbank("datastore", "upload", "--file", "x", "--target", "in")
    run = wb.submit(script)
    wb.completed(run)
    wb.werkbank("datastore", "download", "--path", "out", "--target", ".")
    assert (wb.folder / "out/result").read_text() == "DATA"


def test_from_another_machine_data_goes_through_the_server(wb):
    tcp = Tcp(wb)
    try:
        (wb.folder / "src").mkdir()
        (wb.folder / "src/big").write_bytes(bytes(range(256)) * 20_000)
        there = {"WERKBANK_URL": f"http://127.0.0.1:{tcp.port}", "WERKBANK_TOKEN": tcp.token("contributor")}
        wb.werkbank("datastore", "upload", "--src", "src", "--target", "far", env=there)
        wb.werkbank("datastore", "download", "--path", "far", "--target", "back", env=there)
        assert (wb.folder / "back/far/big").read_bytes() == bytes(range(256)) * 20_000
        reader = dict(there, WERKBANK_TOKEN=tcp.token("reader"))
        assert "contributor" in wb.werkbank("datastore", "download", "--target", "no", env=reader, code=2).stderr
        assert not (wb.folder / "no").exists()
    finally:
        tcp.stop()


@pytest.fixture(scope="session")
def azurite():
    """The address of a running Azurite."""
    up = subprocess.run([ROOT / "tests/testbed/azurite.sh", "up"], stdout=subprocess.PIPE, timeout=300)
    if up.returncode:
        pytest.skip("Azurite cannot be installed")
    words = [
        "node",
        up.stdout.decode().strip(),
        "--skipApiVersionCheck",
        "--disableTelemetry",
        "--silent",
        "--inMemoryPersistence",
    ]
    process = subprocess.Popen(words + ["--blobHost", "127.0.0.1", "--blobPort", "0"], stdout=subprocess.PIPE)
    for line in process.stdout:
        found = re.search(rb"listens on (http\S+)", line)
        if found:
            break
    else:
        pytest.fail("Azurite ended")
    yield found.group(1).decode() + "/devstoreaccount1"
    process.kill()
    process.communicate(timeout=PATIENCE_S)


KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
BLOBS = """
import sys
from azureml.core import Datastore, Workspace
from azureml.exceptions import UserErrorException
endpoint, key = sys.argv[1:]
ws = Workspace.get('default')
words = dict(workspace=ws, datastore_name='cloud', container_name='data', account_name='devstoreaccount1', endpoint=endpoint)
for more in (dict(account_key=key), dict(account_key='V1JPTkctS0VZ', create_if_not_exists=True)):
    try:
        Datastore.register_azure_blob_container(**dict(words, **more))
    except UserErrorException as error:
        assert key not in error.message and 'V1JPTkctS0VZ' not in error.message, error.message
    else:
        raise AssertionError('taken')
ds = Datastore.register_azure_blob_container(account_key=key, create_if_not_exists=True, **words)
assert type(ds).__name__ == 'AzureBlobDatastore' and (ds.account_name, ds.container_name) == ('devstoreaccount1', 'data')
open('f', 'w').write('content')
ds.upload_files(['f'], target_path='x', show_progress=False)
assert Datastore(ws, 'CLOUD').download('got', show_progress=False) == 1
assert open('got/x/f').read() == 'content'
assert ds.account_key == key and key not in repr(ds)
"""


def test_a_blob_container_is_used_with_a_key_that_nobody_sees(wb, azurite):
    wb.start()
    wb.python(BLOBS, azurite, KEY)
    for words in (["list"], ["show", "cloud"]):
        assert KEY not in wb.werkbank("datastore", *words, "-o", "json").stdout
    (wb.folder / "key").write_text(KEY + "\n")
    words = ["register", "azure-blob", "more", "--account", "devstoreaccount1", "--container", "data", "--endpoint", azurite]
    wb.werkbank("datastore", *words, "--account-key-file", "key")
    (wb.folder / "key").write_text("V1JPTkctS0VZ\n")
    refused = wb.werkbank("datastore", *words, "--account-key-file", "key", "--overwrite", code=2)
    assert "storage answered 403" in refused.stderr and "V1JPTkctS0VZ" not in refused.stderr
    wb.werkbank("datastore", "download", "more", "--target", "cli")
    assert (wb.folder / "cli/x/f").read_text() == "content"
    wb.werkbank("server", "stop")
    for file in wb.home.rglob("*"):
        if file.is_file() and file.stat().st_size < 50_000_000:
            assert KEY.encode() not in file.read_bytes(), file
