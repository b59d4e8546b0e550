"""The way to the server: started on demand, again in the middle of things, long socket paths, forks, stale connections."""

import os
import threading

import pytest

from azureml._werkbank import connection
from azureml._werkbank.connection import Server
from azureml.core import Workspace
from azureml.exceptions import AzureMLException, ServiceException, UserErrorException
from fake_server import FakeServer


def test_the_server_is_started_when_nobody_listens(tmp_path, monkeypatch):
    """The program that starts it is replaced by a function; what matters is when it is called, and with which home."""
    path = str(tmp_path / "home" / "server.sock")
    servers = []

    def start(arguments, purpose, variables=None, **_):
        assert arguments == ["server", "start"] and variables["WERKBANK_HOME"] == str(tmp_path / "home")
        servers.append(FakeServer(path).__enter__())
        return 0, "", ""

    monkeypatch.setattr("azureml._werkbank.binary.run_binary", start)
    workspace = Workspace.get("default")
    assert len(servers) == 1
    servers[0].__exit__()
    os.remove(path)
    assert workspace.get_details()["name"] == "default" and len(servers) == 2
    servers[1].__exit__()


def test_a_server_that_cannot_be_started(program):
    with pytest.raises(AzureMLException) as caught:
        Workspace.get("default")
    assert "does not start servers" in caught.value.message


def test_a_job_never_starts_a_server(tmp_path, program, monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE_IN_JOB_S", 0.1)
    with pytest.raises(ServiceException) as caught:
        Server(url="unix://" + str(tmp_path / "home" / "server.sock"), in_job=True).request("GET", "/api/v1")
    assert caught.value.werkbank_code == "server_unreachable" and not os.path.exists(str(program))


def test_tcp_without_a_server(monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE_S", 0.1)
    with FakeServer() as server:
        url = server.url
    with pytest.raises(ServiceException) as caught:
        Server(url=url).request("GET", "/api/v1")
    assert "WERKBANK_URL" in caught.value.hint


@pytest.mark.parametrize("url", ["localhost:80", "ftp://a", "http://", "none"])
def test_wrong_addresses(url):
    with pytest.raises(UserErrorException):
        Server(url=url)


def test_long_socket_paths(tmp_path, monkeypatch):
    folder = tmp_path / ("x" * 100) / ("y" * 100)
    folder.mkdir(parents=True)
    monkeypatch.chdir(str(folder))
    with FakeServer("server.sock"):
        assert Server(url="unix://" + str(folder / "server.sock")).request("GET", "/api/v1/workspaces").json()["items"]


def test_a_kept_connection_that_was_closed(server, tmp_path):
    client = Server()
    client.request("GET", "/api/v1/workspaces")
    state = server.state
    state.failures += ["drop", 503]
    assert client.request("GET", "/api/v1/workspaces").status == 200
    assert len(state.requests) == 4


def test_what_might_happen_twice_is_not_repeated(server):
    server.state.failures.append("drop")
    with pytest.raises(ServiceException):
        Server().request("POST", "/api/v1/workspaces", body={"name": "abc"})
    assert len(server.sent("POST", "/workspaces")) == 1


def test_threads_and_forks_have_their_own_connections(server):
    client = Server()
    results = []
    threads = [
        threading.Thread(target=lambda: results.extend(client.request("GET", "/api/v1/workspaces").status for _ in range(20)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.request("GET", "/api/v1/workspaces")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if client.request("GET", "/api/v1/workspaces").status == 200 else 1
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert client.request("GET", "/api/v1/workspaces").status == 200 and results == [200] * 80
