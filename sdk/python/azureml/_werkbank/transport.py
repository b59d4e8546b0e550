"""The kinds of HTTP connection: Unix socket, TCP, TLS, and the latter two through a proxy."""

import http.client
import os
import socket


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, socket_path, timeout):
        http.client.HTTPConnection.__init__(self, "localhost", timeout=timeout)
        self._socket_path = socket_path

    def connect(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self.timeout)
        folder = -1
        try:
            path = self._socket_path
            if len(os.fsencode(path)) > 100:  # sun_path holds 108 bytes; a longer path is reached through its folder's descriptor
                folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
                path = "/proc/self/fd/{}/{}".format(folder, os.path.basename(path))
            connection.connect(path)
        except BaseException:
            connection.close()
            raise
        finally:
            if folder >= 0:
                os.close(folder)
        self.sock = connection


class ProxiedConnection(http.client.HTTPConnection):
    """Plain HTTP through a proxy: requests name the whole address."""

    def __init__(self, proxy, address, timeout):
        http.client.HTTPConnection.__init__(self, proxy.host, proxy.port, timeout=timeout)
        self._address = address
        self._extra = proxy.headers

    def putrequest(self, method, url, skip_host=False, skip_accept_encoding=False):
        http.client.HTTPConnection.putrequest(self, method, self._address + url, skip_host, skip_accept_encoding)
        for name, value in self._extra.items():
            self.putheader(name, value)


class Proxy(object):
    """What a variable like https_proxy says."""

    def __init__(self, text):
        from urllib.parse import unquote, urlsplit

        parts = urlsplit(text if "://" in text else "http://" + text)
        if parts.scheme != "http" or not parts.hostname:
            from azureml.exceptions import UserErrorException

            raise UserErrorException(
                "The proxy in the environment cannot be used: it has to be http://HOST:PORT.",
                werkbank_code="proxy_invalid",
                hint="Correct http_proxy and https_proxy, or name the server in no_proxy.",
            )
        self.host, self.port, self.headers = parts.hostname, parts.port or 80, {}
        if parts.username is not None:
            from base64 import b64encode

            login = "{}:{}".format(unquote(parts.username), unquote(parts.password or ""))
            self.headers["Proxy-Authorization"] = "Basic " + b64encode(login.encode("utf-8")).decode("ascii")


def proxy_for(scheme, host):
    """The proxy that the environment names for a host; None for this machine itself, and for what no_proxy excepts."""
    if host in ("localhost", "::1") or host.startswith("127."):
        return None
    names = (scheme + "_proxy", (scheme + "_proxy").upper(), "all_proxy", "ALL_PROXY")
    text = next((os.environ[name] for name in names if os.environ.get(name)), None)
    if text is None:
        return None
    from urllib.request import proxy_bypass_environment

    return None if proxy_bypass_environment(host) else Proxy(text)


def unix_connection(socket_path, timeout_s):
    return UnixConnection(socket_path, timeout_s)


def tcp_connection(scheme, host, port, timeout_s):
    proxy = proxy_for(scheme, host)
    if scheme != "https":
        if proxy is None:
            return http.client.HTTPConnection(host, port, timeout=timeout_s)
        shown = "[{}]".format(host) if ":" in host else host
        return ProxiedConnection(proxy, "http://{}:{}".format(shown, port), timeout_s)
    if proxy is None:
        return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=_tls_context())
    connection = http.client.HTTPSConnection(proxy.host, proxy.port, timeout=timeout_s, context=_tls_context())
    connection.set_tunnel(host, port, headers=proxy.headers)
    return connection


def _tls_context():
    """The system's certificates (and SSL_CERT_FILE, SSL_CERT_DIR), and those of the variables that other Python tools read."""
    import ssl

    context = ssl.create_default_context()
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(name)
        if not path:
            continue
        try:
            if os.path.isdir(path):
                context.load_verify_locations(capath=path)
            else:
                context.load_verify_locations(cafile=path)
        except (OSError, ssl.SSLError) as error:
            from azureml.exceptions import UserErrorException

            raise UserErrorException(
                "{} names certificates that cannot be read: {}: {}".format(name, path, error),
                werkbank_code="certificates_invalid",
                hint="Correct or remove {}.".format(name),
            )
    return context
