"""For test_secrets.py: canaries of twenty kinds, the search for them, and a package index that asks for a login."""

import base64
import binascii
import http.server
import io
import itertools
import json
import threading
import zipfile
from pathlib import Path

MARK = "Kq7Canary"  # in every canary, so that one search finds all of them

numbers = itertools.count()


def core():
    """Letters and digits only: written the same in JSON, in an address, in a shell."""
    return f"{MARK}{next(numbers):05d}x{binascii.hexlify(str(next(numbers)).encode()).decode()}"


PEM = "-----BEGIN PRIVATE KEY-----\n{0}\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"
KINDS = {
    "password": lambda: core(),
    "phrase with blanks": lambda: f"correct horse {core()} staple",
    "blanks at both ends": lambda: f"  {core()}\t ",
    "token": lambda: f"ghx_{core()}-._~+/=",
    "login token's look": lambda: f"wbt_{core()}",
    "sealed text's look": lambda: f"wbs1.{core()}",
    "base64": lambda: base64.b64encode(f"user:{core()}".encode()).decode(),
    "hexadecimal": lambda: core().encode().hex(),
    "JSON": lambda: json.dumps({"client_secret": core(), "list": [1, None, "ä"]}, indent=1),
    "XML": lambda: f'<key name="a&amp;b"><![CDATA[{core()}]]></key>',
    "private key": lambda: PEM.format(core()),
    "CRLF lines": lambda: f"first\r\n{core()}\r\nlast",
    "connection string": lambda: f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={core()}==;EndpointSuffix=x",
    "address with a login": lambda: f"postgresql://user:{core()}@db.example.org:5432/base?sslmode=require",
    "quotes": lambda: f"'\"`\\{core()}\\\"'`",
    "shell": lambda: f"$(touch /{core()}) ; rm -rf ~ | & > !! ${{HOME}}",
    "formats": lambda: f"%s %n {{0}} {{}} {core()} \\u0000 \\x00",
    "looks like an option": lambda: f"--{core()}=-x",
    "unicode": lambda: f"pässwörd-\U0001f511-\u202e{core()}-\u0645\u0631",
    "very long": lambda: core() + "x" * 60_000 + core(),
}


def needles():
    """The mark as it is and as encodings turn it: base64 at each of its three offsets, hexadecimal, UTF-16."""
    raw = MARK.encode()
    found = [raw, raw.hex().encode(), raw.hex().upper().encode(), MARK.encode("utf-16-le"), raw[::-1]]
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw + b"\0\0")
        found.append(encoded[(0, 2, 3)[shift] : (len(raw) + shift) * 8 // 6])
    return found


NEEDLES = needles()


def holds_canary(data):
    data = data if isinstance(data, bytes) else data.encode(errors="surrogateescape")
    return next((needle for needle in NEEDLES if needle in data), None)


def show(data, needle):
    at = data.index(needle)
    return data[max(0, at - 120) : at + 80]


def leaks_below(folder):
    """The files that hold a canary, with what stands around it."""
    found = []
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            needle = holds_canary(data) or holds_canary(str(path.relative_to(folder)))
            if needle:
                found.append((str(path.relative_to(folder)), show(data, needle) if needle in data else "its name"))
    return found


def command_lines():
    """Every process's arguments, as any user of the machine sees them."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:
            continue  # it has just ended
    return lines


def wheel(name):
    """A wheel with one empty module."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return content.getvalue()


class ClosedIndex:
    """A package index on loopback that asks for a login. At each request it looks at the machine's list of processes."""

    def __init__(self, packages):
        self.logins, self.seen = set(), []
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                index.seen.extend(line for line in command_lines() if holds_canary(line))
                scheme, _, login = self.headers.get("Authorization", "").partition(" ")
                if scheme != "Basic":
                    return self.answer(401, b"", ("WWW-Authenticate", 'Basic realm="packages"'))
                index.logins.add(base64.b64decode(login).decode())
                name = self.path.strip("/").split("/")[-1]
                if name.endswith(".whl"):
                    return self.answer(200, wheel(name.split("-")[0]))
                if name not in packages:
                    return self.answer(404, b"")
                page = f'<html><body><a href="/files/{name}-1.0-py3-none-any.whl">{name}-1.0-py3-none-any.whl</a></body></html>'
                return self.answer(200, page.encode(), ("Content-Type", "text/html"))

            def answer(self, status, body, *headers):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
