"""Uploads and downloads by the program, with v1's lines."""

import json
import os

from azureml._werkbank.binary import problem_text, require_binary


def upload(datastore, words, files, show_progress):
    """`words`: the options of `werkbank datastore upload`; `files`: their names, or None. How many files were sent."""
    lines = _Lines("Upload", show_progress)
    if files is None:
        return _transfer(datastore, ["upload"] + words, "upload files", lines)
    import tempfile

    with tempfile.NamedTemporaryFile() as names:  # a command line has a limit
        names.write(b"\0".join(os.fsencode(os.path.abspath(name)) for name in files))
        names.flush()
        return _transfer(datastore, ["upload", "--files-from", names.name] + words, "upload files", lines)


def download(datastore, words, show_progress):
    """How many files were fetched; none where nothing matches."""
    from azureml.exceptions import UserErrorException

    try:
        return _transfer(datastore, ["download"] + words, "download files", _Lines("Download", show_progress))
    except UserErrorException as error:
        if getattr(error, "werkbank_code", "") != "not_found":
            raise
        import logging

        logging.getLogger("azureml").warning(error.message)
        return 0


class _Lines(object):
    """v1's lines for the events of a transfer."""

    def __init__(self, verb, shown):
        self.verb, self.shown, self.total, self.done = verb, shown, 0, 0

    def tell(self, event):
        kind = event["event"]
        if kind == "begin":
            self.total = event["files"]
            if self.verb == "Upload":
                self.say("Uploading an estimated of {} files".format(self.total))
        elif kind == "started":
            self.say("{}ing {}".format(self.verb, self.name_of(event)))
        elif kind == "skipped":
            self.say("Target already exists. Skipping {} for {}".format(self.verb.lower(), event["path"]))
        elif kind == "done":
            self.done += 1
            self.say(
                "{}ed {}, {} files out of an estimated total of {}".format(self.verb, self.name_of(event), self.done, self.total)
            )
        elif kind == "end" and self.verb == "Upload":
            self.say("Uploaded {} files".format(self.done))

    def name_of(self, event):
        return event["file"] if self.verb == "Upload" else event["path"]

    def say(self, line):
        if self.shown:
            print(line)


def _transfer(datastore, words, purpose, lines):
    import subprocess
    import tempfile

    workspace = datastore.workspace
    command = [require_binary(purpose), "datastore"] + words[:1] + [datastore.name, "--workspace", workspace.name, "--events"]
    environment = dict(os.environ, **workspace._server.variables())
    failure = None
    with tempfile.TemporaryFile() as told:  # not a pipe: nobody reads it before the end
        process = subprocess.Popen(
            command + words[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=told, env=environment
        )
        try:
            for line in process.stdout:
                event = json.loads(line.decode("utf-8"))
                if event["event"] == "failed":
                    failure = event
                else:
                    lines.tell(event)
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            process.stdout.close()
        told.seek(0)
        err = told.read().decode("utf-8", "replace")
    if code == 0:
        return lines.done
    from azureml.exceptions import UserErrorException

    if failure is not None:
        raise UserErrorException(failure["message"], werkbank_code=failure["code"], hint=failure["hint"])
    raise UserErrorException(
        "The program could not {}: {}".format(purpose, problem_text(code, err)), werkbank_code="transfer_failed"
    )
