"""The two kinds of HTTP connection."""

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


def unix_connection(socket_path, timeout_s):
    return UnixConnection(socket_path, timeout_s)


def tcp_connection(scheme, host, port, timeout_s):
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    return kind(host, port, timeout=timeout_s)
