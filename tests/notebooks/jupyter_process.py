"""A Jupyter server and a browser, started for tests and measurements."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from workbench import ROOT  # noqa: E402

# Jupyter and a browser take seconds to start, and much longer on a busy machine.
PATIENCE_S = 180

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextlib.contextmanager
def chromium():
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.getuid() == 0 else [])
        try:
            yield started
        finally:
            started.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Jupyter:
    """One server for JupyterLab and the classic Notebook; its kernels are in the environment of a user of this Werkbank."""

    TOKEN = "notebooks"

    def __init__(self, wb, folder):
        self.folder = folder / "work"
        self.folder.mkdir()
        self.environment = wb.environment(HOME=str(folder), IPYTHONDIR=str(folder / "ipython"))
        for kind in ("CONFIG", "DATA", "RUNTIME"):
            self.environment[f"JUPYTER_{kind}_DIR"] = str(folder / kind.lower())
        # Nothing that asks for the network, or for an answer.
        settings = folder / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        self.port = free_port()
        self.log = open(ROOT / "build" / "logs" / "notebook-server.log", "w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
            + [f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.TOKEN}"]
            + [f"--ServerApp.root_dir={self.folder}", "--LabApp.expose_app_in_browser=True"]
            + [f"--LabApp.user_settings_dir={folder}/config/lab/user-settings"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.is_ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        assert self.is_ready.wait(PATIENCE_S), "the Jupyter server did not start; see build/logs/notebook-server.log"

    def _read(self):
        for line in self.process.stderr:
            self.log.write(line)
            self.log.flush()
            if "is running at" in line:
                self.is_ready.set()

    def address(self, path):
        return f"http://127.0.0.1:{self.port}/{path}?token={self.TOKEN}"

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.log.close()
