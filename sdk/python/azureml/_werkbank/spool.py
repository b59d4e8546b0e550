"""The metric writer inside a job: each line is appended with one write() to a file of this process, which the runner follows.

What append has returned for survives the death of the script, the runner and the server. A line is numbered and written under a
lock;
when that is interrupted half-way (an exception from a signal handler, a full disk) the file is given up and a new one begun,
since a
file's numbers must have no gap and its last line may be torn.
"""

import os
import threading
import time

from azureml._werkbank.metric_lines import MetricWriter, check_line

_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


class SpoolWriter(MetricWriter):
    def __init__(self, folder, accepted=None):
        """`folder`: $WERKBANK_SPOOL/metrics. `accepted(writer, sequence, wait_s)` asks the server how far it has got."""
        MetricWriter.__init__(self)
        self._folder = folder
        self._accepted = accepted
        self._begin()

    def _begin(self):
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._busy = False
        self._fd = -1
        self._nested = None
        self._writer = ""
        self._count = 0
        self._given_up = []  # (writer, count) of files begun before this one

    def _append(self, tail, _time=time.time, _write=os.write, _getpid=os.getpid):
        if self._pid != _getpid():
            self._begin()  # after a fork: the parent's file is the parent's
        with self._lock:
            if self._busy:  # a signal handler logs while its thread is in here: it gets a file of its own
                return self._nest()._append(tail)
            self._busy = True
            try:
                if self._fd < 0:
                    self._open()
                number = self._count + 1
                data = ('{"s":%d,"t":%d%s' % (number, _time() * 1000, tail)).encode("ascii")
                if len(data) > 65536:
                    check_line(data)
                written = _write(self._fd, data)
                while written < len(data):
                    written += _write(self._fd, data[written:])
                self._count = number
            except BaseException as error:
                self._give_up()
                if isinstance(error, OSError):
                    raise self._not_kept(error)
                raise
            finally:
                self._busy = False

    def _nest(self):
        if self._nested is None:
            self._nested = SpoolWriter(self._folder, self._accepted)
        return self._nested

    def _open(self):
        from binascii import hexlify

        if not os.path.isdir(self._folder):
            os.makedirs(self._folder, exist_ok=True)
        writer = "%d-%s" % (self._pid, hexlify(os.urandom(8)).decode("ascii"))
        fd = os.open(
            os.path.join(self._folder, writer + ".ndjson"), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | _CLOEXEC, 0o600
        )
        self._fd, self._writer, self._count = fd, writer, 0
        os.write(fd, b'{"werkbank-spool":1,"pid":%d}\n' % self._pid)

    def _give_up(self):
        if self._fd >= 0:
            os.close(self._fd)
            if self._count:
                self._given_up.append((self._writer, self._count))
        self._fd, self._count = -1, 0

    def _not_kept(self, error):
        from azureml.exceptions import AzureMLException

        return AzureMLException(
            "The metric could not be written to {}: {}".format(self._folder, error.strerror or error),
            inner_exception=error,
            werkbank_code="metric_not_kept",
            hint="Is the disk full?",
        )

    def flush(self, timeout_s):
        if self._accepted is None or self._pid != os.getpid():
            return
        waiting = list(self._given_up)
        if self._count:
            waiting.append((self._writer, self._count))
        deadline = time.monotonic() + timeout_s
        for writer, sequence in waiting:
            while self._accepted(writer, sequence, min(30, max(0.0, deadline - time.monotonic()))) < sequence:
                if time.monotonic() >= deadline:
                    from azureml.exceptions import AzureMLException

                    raise AzureMLException(
                        "The server has not taken all metrics within {} seconds; they are kept, and go on their way.".format(
                            timeout_s
                        ),
                        werkbank_code="flush_timeout",
                    )
        if self._nested is not None:
            self._nested.flush(max(0.0, deadline - time.monotonic()))


_writers = {}


def spool_writer(folder, accepted):
    """This process's writer for a spool folder: one file, however many Run objects there are."""
    writer = _writers.get(folder)
    if writer is None:
        writer = _writers.setdefault(folder, SpoolWriter(folder, accepted))
    return writer
