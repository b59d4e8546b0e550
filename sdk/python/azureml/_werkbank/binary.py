"""Finding and calling the werkbank program, which does what is heavy."""

import os
import sys


def find_binary():
    """WERKBANK_BINARY, then PATH, then beside the interpreter; None where it is nowhere."""
    named = os.environ.get("WERKBANK_BINARY")
    if named:
        return named
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep) + [os.path.dirname(sys.executable or "")]
    for folder in folders:
        candidate = os.path.join(folder, "werkbank") if folder else ""
        if candidate and os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    return None


def require_binary(purpose):
    """The program's path; UserErrorException where there is none."""
    binary = find_binary()
    if binary is None:
        from azureml.exceptions import UserErrorException

        raise UserErrorException(
            "The program `werkbank` is needed to {}, and was not found.".format(purpose),
            werkbank_code="binary_not_found",
            hint="Put it on PATH, or set WERKBANK_BINARY to its path.",
        )
    return binary


def run_binary(arguments, purpose, variables=None, pass_stderr=False, timeout_s=None):
    """Call `werkbank ARGUMENTS`; (exit code, stdout text, stderr text). `variables` are set over the environment;
    `pass_stderr`: its talk
    goes to the user as it comes.
    """
    import subprocess

    command = [require_binary(purpose)] + list(arguments)
    environment = dict(os.environ, **(variables or {}))
    from azureml.exceptions import UserErrorException

    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if pass_stderr else subprocess.PIPE,
            env=environment,
        )
        try:
            out, err = process.communicate(timeout=timeout_s)
        except BaseException:
            process.kill()
            process.wait()
            raise
    except OSError as error:
        raise UserErrorException(
            "{} cannot be executed: {}".format(command[0], error.strerror),
            werkbank_code="binary_not_executable",
            hint="Check WERKBANK_BINARY.",
        )
    except subprocess.TimeoutExpired:
        raise UserErrorException(
            "`{}` did not end within {} seconds.".format(" ".join(command), timeout_s), werkbank_code="binary_timeout"
        )
    return process.returncode, out.decode("utf-8", "replace"), (err or b"").decode("utf-8", "replace")


def problem_text(code, err):
    """One sentence out of what a failed call printed."""
    text = err.strip()
    return text if text else "exit code {}".format(code)


def yaml_to_data(path, run_configuration=False):
    """The content of a YAML file as plain data. JSON is read here; anything else by the program, which has the parser (and
    repairs run configurations of 2017, which are not quite YAML)."""
    import json

    with open(path, "rb") as stream:
        raw = stream.read()
    try:
        return json.loads(raw.decode("utf-8"))
    except ValueError:
        pass
    from azureml.exceptions import UserErrorException

    words = ["yaml-to-json"] + (["--run-configuration"] if run_configuration else []) + [os.path.abspath(path)]
    code, out, err = run_binary(words, "read the YAML file {}".format(path), timeout_s=60)
    if code != 0:
        raise UserErrorException("{} is not valid YAML: {}".format(path, problem_text(code, err)), werkbank_code="yaml_invalid")
    return json.loads(out)
