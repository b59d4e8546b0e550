"""Files at addresses, fetched without a workspace: what a dataset of URLs does before it belongs to one."""

import os
import urllib.error
import urllib.request

from azureml.exceptions import UserErrorException

_PIECE_BYTES = 1 << 20
_TRIES = 4
_TIMEOUT_S = 60


def head(url):
    """(size or None, etag) of what is at an address."""
    try:
        with _open(url, {}, "HEAD") as answer:
            return _facts(answer)
    except urllib.error.HTTPError as error:
        if error.code not in (403, 405, 501):  # some servers do not know HEAD
            raise _refused(url, error)
    except OSError as error:
        raise _refused(url, error)
    try:
        with _open(url, {"Range": "bytes=0-0"}) as answer:
            whole = (answer.headers.get("Content-Range") or "").rpartition("/")[2]
            return (int(whole) if whole.isdigit() else None), _facts(answer)[1]
    except OSError as error:
        raise _refused(url, error)


def _facts(answer):
    size = answer.headers.get("Content-Length")
    etag = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
    return (int(size) if size and size.isdigit() else None), etag


def fetch(url, target):
    """Fetch a file; it appears under its name only when it is whole. A transfer that breaks off goes on where it broke, and what
    the server says of its content (Content-MD5) is checked."""
    part = target + ".part"
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    if os.path.exists(part):
        os.remove(part)
    last, etag = None, None
    for _ in range(_TRIES):
        try:
            etag, done = _go_on(url, part, etag)
        except urllib.error.HTTPError as error:
            raise _refused(url, error)
        except (OSError, EOFError) as error:
            last = error
            continue
        if done:
            os.replace(part, target)
            return
        last = EOFError("it broke off")
    raise UserErrorException(
        "The download of {} broke off {} times: {}.".format(url, _TRIES, last),
        werkbank_code="download_incomplete",
        hint="Try again; if the site has no way to the internet, add a mirror: werkbank mirror add HOST FOLDER.",
    )


def _go_on(url, part, etag):
    """Fetch what is missing; (the file's etag, whether it is whole)."""
    import http.client

    have = os.path.getsize(part) if os.path.exists(part) else 0
    headers = {"Range": "bytes={}-".format(have), "If-Range": etag} if have and etag else {}
    with _open(url, headers) as answer:
        goes_on = answer.status == 206
        size = answer.headers.get("Content-Length")
        published = answer.headers.get("Content-MD5") if not goes_on else None
        with open(part, "ab" if goes_on else "wb") as stream:
            got, whole = 0, True
            try:
                while True:
                    piece = answer.read(_PIECE_BYTES)
                    if not piece:
                        break
                    stream.write(piece)
                    got += len(piece)
            except (OSError, http.client.HTTPException):
                whole = False
        whole = whole and (size is None or got == int(size))
        etag = answer.headers.get("ETag") or ""
    if whole and published:
        _check(part, url, published)
    return ("" if etag.startswith("W/") else etag), whole


def _open(url, headers, method="GET"):
    try:
        request = urllib.request.Request(url, headers=dict({"User-Agent": "werkbank"}, **headers), method=method)
        return urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except ValueError as error:  # no address at all
        raise _refused(url, error)


def _check(path, url, published):
    import base64
    import hashlib

    digest = hashlib.md5()
    with open(path, "rb") as stream:
        while True:
            piece = stream.read(_PIECE_BYTES)
            if not piece:
                break
            digest.update(piece)
    if base64.b64encode(digest.digest()).decode("ascii") != published.strip():
        os.remove(path)
        raise UserErrorException(
            "What came from {} is not what the server has: its MD5 differs.".format(url),
            werkbank_code="data_changed",
            hint="Look whether a proxy changes what it passes on, and try again.",
        )


def _refused(url, error):
    reason = "HTTP {}".format(error.code) if isinstance(error, urllib.error.HTTPError) else getattr(error, "reason", error)
    return UserErrorException(
        "{} cannot be fetched: {}.".format(url, reason),
        werkbank_code="url_failed",
        hint="Check the address. Where there is no way to the internet: werkbank mirror add HOST FOLDER-OR-URL.",
    )
