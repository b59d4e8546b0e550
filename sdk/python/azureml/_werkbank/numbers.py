"""Numbers as v1's users give them: 300 or '300'."""

from azureml.exceptions import UserErrorException


def whole(name, value, least=0, refusal=UserErrorException, code="invalid_request"):
    """The whole number behind a value; `refusal` for what is none, or is less than `least`."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or isinstance(value, bool) or number < least or (isinstance(value, float) and number != value):
        wanted = "that is not negative" if least == 0 else "from {} on".format(least)
        raise refusal("{} takes a whole number {}, and got {!r}.".format(name, wanted, value), werkbank_code=code)
    return number
