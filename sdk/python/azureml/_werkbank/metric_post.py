"""The metric writer outside a job: lines are kept until the server has accepted them, and sent in batches by a thread."""

import atexit
import os
import threading
import time
from collections import deque

from azureml._werkbank.metric_lines import MetricWriter, check_line

_BATCH_BYTES_MAX = 4 * 1024 * 1024
_KEPT_BYTES_MAX = 64 * 1024 * 1024
_PAUSE_S = 0.2


class PostingWriter(MetricWriter):
    def __init__(self, post):
        """`post(writer, body)` sends lines and answers the number of the last one that is accepted; raises where they are
        refused."""
        MetricWriter.__init__(self)
        self._post = post
        self._begin()
        atexit.register(self._at_exit)

    def _begin(self):
        from binascii import hexlify

        self._pid = os.getpid()
        self._writer = hexlify(os.urandom(16)).decode("ascii")
        self._changed = threading.Condition()
        self._kept = deque()  # (number, line), oldest first
        self._kept_bytes = 0
        self._count = 0
        self._accepted = 0
        self._failure = None
        self._thread = None
        self._hurry = False

    def _append(self, tail):
        if self._pid != os.getpid():
            self._begin()
        with self._changed:
            self._raise_failure()
            while self._kept_bytes > _KEPT_BYTES_MAX and self._failure is None:
                self._hurry = True
                self._changed.notify_all()
                self._changed.wait(1.0)
            number = self._count + 1
            line = ('{"s":%d,"t":%d%s' % (number, time.time() * 1000, tail)).encode("ascii")
            check_line(line)
            self._count = number
            self._kept.append((number, line))
            self._kept_bytes += len(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._send_all, name="azureml-metrics")
                self._thread.daemon = True
                self._thread.start()
            self._changed.notify_all()

    def _send_all(self):
        """The thread: sends what is there until nothing is, and ends; the next line starts another one."""
        while True:
            with self._changed:
                if not self._hurry:
                    self._changed.wait_for(lambda: self._hurry, _PAUSE_S)
                batch = self._next_batch()
                if not batch:
                    self._thread = None
                    self._hurry = False
                    self._changed.notify_all()
                    return
            failure, accepted = None, 0
            try:
                accepted = self._post(self._writer, b"".join(line for _, line in batch))
            except Exception as error:  # kept for the next call of the script: nobody else can be told
                failure = error
            with self._changed:
                if failure is None and accepted < batch[0][0]:
                    from azureml.exceptions import AzureMLException

                    failure = AzureMLException(
                        "The server accepted metrics up to {} of {}.".format(accepted, batch[-1][0]),
                        werkbank_code="metrics_refused",
                    )
                if failure is not None:
                    self._failure, self._kept, self._kept_bytes, self._thread = failure, deque(), 0, None
                    self._changed.notify_all()
                    return
                self._accepted = accepted
                while self._kept and self._kept[0][0] <= accepted:
                    self._kept_bytes -= len(self._kept.popleft()[1])
                self._changed.notify_all()

    def _next_batch(self):
        batch, size = [], 0
        for number, line in self._kept:
            size += len(line)
            if batch and size > _BATCH_BYTES_MAX:
                break
            batch.append((number, line))
        return batch

    def _raise_failure(self):
        if self._failure is not None:
            failure, self._failure = self._failure, None
            self._begin()  # what was refused is lost and said so; what comes next starts a new writer
            raise failure

    def flush(self, timeout_s):
        if self._pid != os.getpid():
            return
        with self._changed:
            changed, wanted = self._changed, self._count
            self._hurry = True
            changed.notify_all()
            done = changed.wait_for(lambda: self._failure is not None or self._accepted >= wanted, timeout_s)
            self._raise_failure()
            if not done:
                from azureml.exceptions import AzureMLException

                raise AzureMLException(
                    "The server has not taken all metrics within {} seconds.".format(timeout_s), werkbank_code="flush_timeout"
                )

    def _at_exit(self):
        if self._pid == os.getpid() and self._accepted < self._count:
            self.flush(60.0)

    def close(self):
        atexit.unregister(self._at_exit)
