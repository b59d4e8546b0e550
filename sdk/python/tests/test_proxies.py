"""Servers elsewhere: through a proxy, and with certificates of one's own."""

import socket
import socketserver
import ssl
import subprocess
import threading

import pytest

from azureml.core import Workspace
from azureml.exceptions import ServiceException, UserErrorException
from fake_server import FakeServer

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in NAMES + ("REQUESTS_CA_BUNDLE",):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for werkbank.test, with its key in the same file."""
    folder = tmp_path_factory.mktemp("certificate")
    key, path = str(folder / "key.pem"), str(folder / "certificate.pem")
    subprocess.check_call(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=werkbank.test".split()
        + ["-addext", "subjectAltName=DNS:werkbank.test", "-keyout", key, "-out", path],
        stderr=subprocess.DEVNULL,
    )
    with open(key) as stream, open(path, "a") as target:
        target.write(stream.read())
    return path


class ConnectProxy(object):
    """A proxy that opens tunnels, all to one address; `asked` are the heads of the requests."""

    def __init__(self, port):
        asked = self.asked = []

        class Tunnel(socketserver.BaseRequestHandler):
            def handle(self):
                head = b""
                while b"\r\n\r\n" not in head:
                    head += self.request.recv(4096)
                asked.append(head.decode("ascii"))
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                with socket.create_connection(("127.0.0.1", port)) as there:
                    back = threading.Thread(target=pump, args=(there, self.request), daemon=True)
                    back.start()
                    pump(self.request, there)
                    back.join()

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:{}".format(self.server.server_address[1])

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def pump(source, target):
    try:
        for piece in iter(lambda: source.recv(65536), b""):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other side is gone


def over_tls(server, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
    return server


def test_plain_http_goes_through_the_proxy_with_its_login(monkeypatch):
    with FakeServer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("http://", "http://me:p%40ss@"))
        monkeypatch.setenv("WERKBANK_URL", "http://werkbank.test:7331")
        assert Workspace.get("default").name == "default"
        _, path, _, headers, _ = proxy.state.requests[-1]
        assert path == "/api/v1/workspaces/default" and headers["Host"] == "werkbank.test:7331"
        assert headers["Proxy-Authorization"] == "Basic bWU6cEBzcw=="


def test_tls_goes_through_a_tunnel_and_trusts_the_named_certificates(monkeypatch, certificate):
    with over_tls(FakeServer(), certificate) as server, ConnectProxy(server._server.server_address[1]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("WERKBANK_URL", "https://werkbank.test")
        with pytest.raises(ServiceException) as caught:
            Workspace.get("default")
        assert "certificate" in caught.value.message.lower() and "REQUESTS_CA_BUNDLE" in caught.value.hint
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            with monkeypatch.context() as patch:
                patch.setenv(name, certificate)
                assert Workspace.get("default").name == "default"
        assert all(head.startswith("CONNECT werkbank.test:443 ") for head in proxy.asked) and len(proxy.asked) == 4


def test_this_machine_and_what_no_proxy_names_need_none(monkeypatch):
    from azureml._werkbank.transport import proxy_for

    monkeypatch.setenv("http_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("no_proxy", "inside.test,.example.org")
    with FakeServer() as server:
        monkeypatch.setenv("WERKBANK_URL", server.url)
        assert Workspace.get("default").name == "default"
    assert [proxy_for("http", host) for host in ("localhost", "::1", "inside.test", "a.example.org")] == [None] * 4
    assert (proxy_for("http", "outside.test").host, proxy_for("http", "outside.test").port) == ("proxy.test", 3128)
    assert proxy_for("https", "outside.test") is None


@pytest.mark.parametrize(
    "name, value",
    [("https_proxy", "socks5://127.0.0.1:1"), ("REQUESTS_CA_BUNDLE", "/nonexistent.pem"), ("CURL_CA_BUNDLE", __file__)],
)
def test_wrong_settings_are_told(monkeypatch, name, value):
    monkeypatch.setenv("WERKBANK_URL", "https://werkbank.test")
    monkeypatch.setenv(name, value)
    with pytest.raises(UserErrorException) as caught:
        Workspace.get("default")
    assert caught.value.hint and (name in caught.value.message or "proxy" in caught.value.message)
