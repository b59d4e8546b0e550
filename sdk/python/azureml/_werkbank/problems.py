"""From the server's problem documents to v1's exception classes."""

import json

from azureml.exceptions import AuthenticationException, ServiceException, UserErrorException


def parse_problem(status, body):
    """The problem document of an answer; for other bodies one with what there is."""
    try:
        document = json.loads(body.decode("utf-8"))
        if isinstance(document, dict) and ("detail" in document or "code" in document):
            return document
    except ValueError:
        pass
    return {
        "status": status,
        "code": "http_{}".format(status),
        "detail": body[:500].decode("utf-8", "replace").strip() or "HTTP {}".format(status),
    }


def exception_for(status, body, what):
    """The exception for an answer that is not a success. `what`: the request, for the message of an answer that says little."""
    problem = parse_problem(status, body)
    message = problem.get("detail") or problem.get("title") or "HTTP {} for {}".format(status, what)
    extra = {"hint": problem.get("hint") or "", "werkbank_code": problem.get("code") or ""}
    if extra["werkbank_code"] == "invalid_request" and "openapi" in extra["hint"]:
        extra["hint"] = ""  # who calls the SDK has not written the request; the message names the field
    if status == 401:
        extra["hint"] = "Run `az login`, or set WERKBANK_TOKEN to a token of `werkbank token create`."
    if status in (401, 403):
        return AuthenticationException(message, **extra)
    if status == 400:
        return UserErrorException(message, **extra)
    return ServiceException(message, status_code=status, error=problem, **extra)


def is_problem(error, status):
    """Whether an exception is the server's answer with this HTTP status."""
    return isinstance(error, ServiceException) and error.status_code == status
