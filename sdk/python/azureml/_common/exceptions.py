"""The root of the exception tree, and the exception for an answer of the server.

Both `str` and `repr` of an exception give v1's four-line form; the bare text is in `.message`. What the server said in addition
is in `.code` (stable, `werkbank explain CODE`) and `.hint` (what to do next), where there is any.
"""

import json


class AzureMLException(Exception):
    """Root of everything azureml raises."""

    # The code in the ErrorResponse document, in v1's words.
    _error_code = "SystemError"

    def __init__(
        self,
        exception_message,
        inner_exception=None,
        target=None,
        details=None,
        message_format=None,
        message_parameters=None,
        reference_code=None,
        **kwargs,
    ):
        Exception.__init__(self, exception_message)
        self._message = exception_message
        self._inner_exception = inner_exception
        self._target = target
        self._details = details
        self._reference_code = reference_code
        self.hint = kwargs.get("hint") or ""
        self.werkbank_code = kwargs.get("werkbank_code") or ""

    @property
    def message(self):
        return self._message

    @message.setter
    def message(self, value):
        self._message = value

    @property
    def inner_exception(self):
        return self._inner_exception

    @inner_exception.setter
    def inner_exception(self, value):
        self._inner_exception = value

    def print_stacktrace(self):
        """Print where this exception was raised."""
        import traceback

        traceback.print_exception(type(self), self, self.__traceback__)

    def _serialize_json(self, indent=None):
        error = {"code": self._error_code, "message": "{}".format(self._message)}
        if self.werkbank_code:
            error["innerError"] = {"code": self.werkbank_code}
        if self.hint:
            error["hint"] = self.hint
        if self._target:
            error["target"] = "{}".format(self._target)
        if self._details:
            error["details"] = self._details
        if self._reference_code:
            error["referenceCode"] = self._reference_code
        return json.dumps({"error": error}, indent=indent, default=str)

    def _text(self):
        message = "{}".format(self._message)
        if self.hint:
            message += " Hint: {}".format(self.hint)
        return "{}:\n\tMessage: {}\n\tInnerException {}\n\tErrorResponse \n{}".format(
            type(self).__name__, message, self._inner_exception, self._serialize_json(indent=4)
        )

    def __repr__(self):
        return self._text()

    def __str__(self):
        return self._text()


class AzureMLAggregatedException(AzureMLException):
    """Several exceptions that happened together."""

    def __init__(self, exceptions_list, **kwargs):
        text = "\n".join("{}".format(each) for each in exceptions_list)
        AzureMLException.__init__(self, text, **kwargs)
        self.exceptions_list = list(exceptions_list)


class ServiceException(AzureMLException):
    """The server answered with an error: `status_code` is HTTP's, `error` the problem document."""

    def __init__(self, error_response_exception, **kwargs):
        self.status_code = kwargs.pop("status_code", None)
        self.error = kwargs.pop("error", None)
        self.headers = kwargs.pop("headers", None) or {}
        AzureMLException.__init__(self, error_response_exception, **kwargs)
        self.details = self.error

    @property
    def response(self):
        return self.error
