"""The logins that `az login` keeps: WERKBANK_HOME/client/login.json, written by the program `werkbank`, only read here."""

import json
import os


def cached_token(url):
    """The token for a server; '' where there is none, or where its time is over."""
    from azureml._werkbank.connection import home_folder

    path = os.path.join(home_folder(), "client", "login.json")
    try:
        with open(path, "rb") as stream:
            document = json.loads(stream.read().decode("utf-8"))
        for login in document["logins"]:
            if login["url"] == url and not _is_over(login.get("expiresUtc") or ""):
                return login["token"]
    except OSError:
        return ""  # nobody has logged in
    except (ValueError, KeyError, TypeError, AttributeError):
        from azureml.exceptions import AuthenticationException

        raise AuthenticationException(
            "The logins in {} cannot be understood.".format(path),
            werkbank_code="login_cache_invalid",
            hint="Delete the file, then run `az login` again.",
        )
    return ""


def _is_over(expires_utc):
    """Times of one form are compared as text."""
    import datetime

    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return bool(expires_utc) and expires_utc[:19] <= now


def somebody_is_there():
    """Whether a person can be asked to open a page: at a terminal, or in a notebook."""
    import sys

    try:
        return "ipykernel" in sys.modules or (sys.stdin.isatty() and sys.stderr.isatty())
    except (AttributeError, ValueError):  # closed, or replaced by something that is no file
        return False


def ask_for_login(variables):
    """Run `werkbank login`, which prints an address and a code and waits until the code was entered there."""
    from azureml._werkbank.binary import run_binary

    environment = dict(variables)
    environment.pop("WERKBANK_TOKEN", None)
    code, _, _ = run_binary(["login"], "log in", variables=environment, pass_stderr=True)
    return code == 0
