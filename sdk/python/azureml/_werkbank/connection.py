"""HTTP to the server, over its Unix socket or TCP (docs/reference/http-api.md), with the standard library only.

A server on this machine's socket is started when nobody listens, also in the middle of a wait. A request is repeated only where
that
cannot do anything twice.
"""

import json
import os
import threading
import time

from azureml._werkbank.problems import exception_for

# How long a request keeps trying while nobody answers.
PATIENCE_S = 20.0
PATIENCE_WAITING_S = 3600.0
PATIENCE_IN_JOB_S = 300.0

_IDEMPOTENT = frozenset(("GET", "HEAD", "PUT", "DELETE", "PATCH"))


def home_folder():
    """WERKBANK_HOME, by default ~/.werkbank."""
    return os.path.abspath(os.environ.get("WERKBANK_HOME") or os.path.join(os.path.expanduser("~"), ".werkbank"))


def default_url():
    """WERKBANK_URL, by default the socket in the home folder."""
    return os.environ.get("WERKBANK_URL") or "unix://" + os.path.join(home_folder(), "server.sock")


def encode_path(segments):
    """Segments to a path below /api/v1, each percent-encoded."""
    from urllib.parse import quote

    return "/api/v1/" + "/".join(quote("{}".format(each), safe="") for each in segments)


class Answer(object):
    """A complete answer."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body.decode("utf-8")) if self.body else None


class Server(object):
    """One server. Safe for threads and forks: each thread of each process has a connection of its own, kept alive."""

    def __init__(self, url=None, token=None, in_job=False, may_ask=False):
        self.url = (url or default_url()).rstrip("/")
        self.is_unix = self.url.startswith("unix://")
        if token is None:
            # As the command line has it: on this machine's socket the login is the uid, unless a job was told the address.
            needed = not self.is_unix or os.environ.get("WERKBANK_URL")
            token = os.environ.get("WERKBANK_TOKEN", "") if needed else ""
        self._token = token
        self.in_job = in_job
        self._may_ask = may_ask  # once: a person who is not logged in yet is shown where to
        self._looks_on = False
        self._local = threading.local()
        if not self.is_unix and not self._token and not in_job:
            from azureml._werkbank.login_cache import cached_token

            self._token = cached_token(self.url)
        if self.is_unix:
            self.socket_path = self.url[len("unix://") :]
            return
        from urllib.parse import urlsplit

        parts = urlsplit(self.url)
        if "@" in self.url:  # and is not shown again
            from azureml.exceptions import UserErrorException

            raise UserErrorException(
                "WERKBANK_URL holds a login.",
                werkbank_code="url_invalid",
                hint="Put the token into WERKBANK_TOKEN; the address is http://HOST:PORT.",
            )
        if parts.scheme in ("http", "https") and parts.hostname:
            self._scheme, self._host = parts.scheme, parts.hostname
            self._port = parts.port or (443 if parts.scheme == "https" else 80)
            self._prefix = parts.path.rstrip("/")
        else:
            from azureml.exceptions import UserErrorException

            raise UserErrorException(
                "WERKBANK_URL is not an address: {}".format(self.url),
                werkbank_code="url_invalid",
                hint="Use http://HOST:PORT, https://HOST or unix:///PATH/server.sock.",
            )

    def request(self, method, path, query=None, body=None, headers=None, patience_s=None, repeatable=None, timeout_s=120.0):
        """Send, and wait for the whole answer; any status but 2xx raises. `body`: bytes, or JSON data."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, bytearray)):
            body = json.dumps(body).encode("utf-8")
            headers.setdefault("Content-Type", "application/json")

        def exchange(connection):
            response = self._exchange(connection, method, path, query, body, headers)
            return Answer(response.status, response.headers, response.read())

        again = method in _IDEMPOTENT if repeatable is None else repeatable
        answer = self._persist(exchange, again, patience_s, timeout_s)
        if answer.status == 401 and self._log_in():
            answer = self._persist(exchange, again, patience_s, timeout_s)
        if not 200 <= answer.status < 300:
            raise exception_for(answer.status, answer.body, "{} {}".format(method, path))
        return answer

    def send_file(self, method, path, open_body, size_bytes, query=None):
        """Send a body that is read in pieces; `open_body()` gives a fresh stream for each try."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size_bytes)}

        def exchange(connection):
            with open_body() as stream:
                response = self._exchange(connection, method, path, query, stream, headers)
                return Answer(response.status, response.headers, response.read())

        answer = self._persist(exchange, True, None, 600.0)
        if not 200 <= answer.status < 300:
            raise exception_for(answer.status, answer.body, "{} {}".format(method, path))
        return answer

    def open(self, path, query=None, headers=None, timeout_s=120.0, patience_s=None, method="GET", body=None):
        """A request whose answer the caller reads in pieces and closes; the connection is its own."""

        def exchange(_):
            connection = self._new_connection(timeout_s)
            try:
                response = self._exchange(connection, method, path, query, body, headers or {})
            except BaseException:
                connection.close()
                raise
            response.werkbank_connection = connection
            return response

        response = self._persist(exchange, True, patience_s, timeout_s, kept=False)
        if not 200 <= response.status < 300:
            with response:
                answered = response.read()
            response.werkbank_connection.close()
            raise exception_for(response.status, answered, "{} {}".format(method, path))
        return response

    def _log_in(self):
        """Have a person log in, where one is there; whether there is a new token."""
        if not self._may_ask or self.is_unix or self.in_job:
            return False
        from azureml._werkbank import login_cache

        self._may_ask = False
        if not login_cache.somebody_is_there() or not login_cache.ask_for_login(self.variables()):
            return False
        self._token = login_cache.cached_token(self.url)
        return bool(self._token)

    def authorization(self):
        """The headers that say who calls."""
        return {"Authorization": "Bearer " + self._token} if self._token else {}

    def without_starting(self):
        """The same server, for a thread that only looks on: it neither starts nor awaits it, and asks nobody to log in."""
        import copy

        other = copy.copy(self)
        other._local, other._may_ask, other._looks_on = threading.local(), False, True
        return other

    def variables(self):
        """The environment variables that make the program `werkbank` speak to this server."""
        variables = {"WERKBANK_URL": self.url, "WERKBANK_TOKEN": self._token or ""}
        if self.is_unix and os.path.basename(self.socket_path) == "server.sock" and not self.in_job:
            variables["WERKBANK_HOME"] = os.path.dirname(self.socket_path)
        return variables

    def _exchange(self, connection, method, path, query, body, headers):
        target = path if self.is_unix else self._prefix + path
        if query:
            from urllib.parse import urlencode

            target += "?" + urlencode(query, doseq=True)
        connection.request(method, target, body=body, headers=dict(self.authorization(), **headers))
        return connection.getresponse()

    def _new_connection(self, timeout_s):
        from azureml._werkbank import transport  # http.client takes a while to import: only with the first request

        if self.is_unix:
            connection = transport.unix_connection(self.socket_path, timeout_s)
        else:
            connection = transport.tcp_connection(self._scheme, self._host, self._port, timeout_s)
        connection.blocksize = 1 << 18  # a file is sent in pieces of this size (from Python 3.7 on), 8 KiB otherwise
        return connection

    def _kept_connection(self, timeout_s):
        """This thread's connection, opened anew where it was closed from the other side or belongs to the parent process."""
        import select

        connection = getattr(self._local, "connection", None)
        if connection is not None:
            usable = self._local.pid == os.getpid() and connection.sock is not None
            if usable and select.select([connection.sock], [], [], 0)[0]:  # readable between two requests: it is being closed
                usable = False
            if usable:
                connection.sock.settimeout(timeout_s)
                return connection
            connection.close()
        connection = self._new_connection(timeout_s)
        self._local.connection, self._local.pid = connection, os.getpid()
        return connection

    def _persist(self, exchange, repeatable, patience_s, timeout_s, kept=True):
        """Carry out one exchange, again after a failed connection until the patience is over."""
        if patience_s is None and self._looks_on:
            patience_s = 0.0
        elif patience_s is None:
            patience_s = PATIENCE_IN_JOB_S if self.in_job else PATIENCE_S
        from http.client import HTTPException

        deadline = time.monotonic() + patience_s
        pause_s = 0.02
        while True:
            connected = False
            try:
                connection = self._kept_connection(timeout_s) if kept else None
                if connection is not None and connection.sock is None:
                    connection.connect()
                connected = kept
                answer = exchange(connection)
                if answer.status != 503 or time.monotonic() > deadline:
                    return answer
                getattr(answer, "close", lambda: None)()
            except (OSError, HTTPException) as error:
                if kept:
                    self._drop_connection()
                if "CERTIFICATE_VERIFY_FAILED" in "{}".format(error):  # it would be the same again
                    raise self._unreachable(error)
                if (connected and not repeatable) or time.monotonic() > deadline:
                    raise self._unreachable(error)
                if not connected:
                    self._start(error)
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.7, 2.0)

    def _drop_connection(self):
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
        self._local.connection = None

    def _start(self, error):
        """Start the server where it is this machine's own. Not from inside a job: the server would be part of it, and end with
        it."""
        if not self.is_unix or self.in_job or self._looks_on or os.path.basename(self.socket_path) != "server.sock":
            return
        if not isinstance(error, (ConnectionRefusedError, FileNotFoundError, ConnectionResetError, BrokenPipeError)):
            return
        from azureml._werkbank import binary

        code, _, err = binary.run_binary(["server", "start"], "start the server", variables=self.variables(), timeout_s=60)
        if code != 0:
            from azureml.exceptions import AzureMLException

            raise AzureMLException(
                "The Werkbank server could not be started: {}".format(binary.problem_text(code, err)),
                werkbank_code="server_start_failed",
                hint="Try `werkbank server start` and `werkbank doctor`.",
            )

    def _unreachable(self, error):
        from azureml.exceptions import ServiceException

        hint = (
            "Is it running? `werkbank server status` tells."
            if self.is_unix
            else "Check WERKBANK_URL, and that the server listens there."
        )
        if "CERTIFICATE_VERIFY_FAILED" in "{}".format(error):
            hint = "Where the server has a certificate of its own, name the file with it in REQUESTS_CA_BUNDLE."
        return ServiceException(
            "The Werkbank server at {} does not answer: {}".format(self.url, error or type(error).__name__),
            status_code=None,
            werkbank_code="server_unreachable",
            hint=hint,
        )
