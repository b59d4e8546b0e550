"""Building an environment ahead of a run: POST environments/prepare answers with the build's output as it comes."""

import json
import threading

from azureml._werkbank.later import later_text


class Build(object):
    """One build on the server, followed by a thread of this process. It ends with the process; what is built stays."""

    def __init__(self, workspace, environment, target="local"):
        from azureml._werkbank.environment_wire import environment_to_wire, with_own_interpreter
        from azureml._werkbank.submission import submitter_environment

        self._client = workspace._client
        self._body = {
            "environment": with_own_interpreter(environment_to_wire(environment)),
            "target": target,
            "submitterEnvironment": submitter_environment(),
        }
        self._changed = threading.Condition()
        self._log = []
        self._outcome = None  # ("ready", document), ("problem", document), or ("error", exception)
        self._thread = threading.Thread(target=self._follow, name="environment build")
        self._thread.daemon = True
        self._thread.start()

    def _follow(self):
        from azureml._werkbank.client import read_events

        outcome = None
        try:
            client = self._client
            response = client.server.open(
                client.path(("environments", "prepare")),
                method="POST",
                body=json.dumps(self._body).encode("utf-8"),
                headers={"Accept": "text/event-stream", "Content-Type": "application/json"},
            )
            try:
                for name, data, _ in read_events(response):
                    document = json.loads(data)
                    if name == "log":
                        self._add(document["text"])
                    elif name in ("ready", "problem"):
                        outcome = (name, document)
                        break
            finally:
                response.close()
                response.werkbank_connection.close()
        except Exception as error:  # shown by wait() in the thread that waits
            outcome = ("error", error)
        with self._changed:
            self._outcome = outcome or ("error", _broken_off())
            self._changed.notify_all()

    def _add(self, text):
        with self._changed:
            self._log.append(text)
            self._changed.notify_all()

    @property
    def log(self):
        """What the build has printed so far."""
        with self._changed:
            return "".join(self._log)

    @property
    def status(self):
        """Running, Succeeded or Failed."""
        with self._changed:
            return "Running" if self._outcome is None else "Succeeded" if self._outcome[0] == "ready" else "Failed"

    def wait(self, show=None):
        """Wait for the end; `show(text)` gets the output as it comes. (what it ended with, document or exception)."""
        shown = 0
        while True:
            with self._changed:
                while self._outcome is None and shown == len(self._log):
                    self._changed.wait(60)
                texts, outcome = self._log[shown:], self._outcome
            shown += len(texts)
            if show is not None and texts:
                show("".join(texts))
            if outcome is not None and not texts:
                return outcome

    def exception(self):
        """What a failed build raises; None for one that succeeded."""
        from azureml.exceptions import UserErrorException

        kind, document = self.wait()
        if kind == "ready":
            return None
        if kind == "error":
            return document
        return UserErrorException(
            document.get("detail") or "The environment could not be built.",
            werkbank_code=document.get("code") or "environment_failed",
            hint=document.get("hint") or "",
        )


def _broken_off():
    from azureml.exceptions import AzureMLException

    return AzureMLException("The build's output broke off before its end.", werkbank_code="unavailable", hint="Build it again.")


def refuse_build_compute(image_build_compute):
    """v1's build on a cluster."""
    if image_build_compute is not None:
        from azureml.exceptions import UserErrorException

        raise UserErrorException(
            later_text("Environment.build on the compute target {!r}".format(image_build_compute)),
            werkbank_code="not_available_yet",
            hint="Leave image_build_compute out: environments are built on the machine where they are used.",
        )
