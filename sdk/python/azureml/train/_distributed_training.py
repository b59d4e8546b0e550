"""How an estimator's script is several processes."""

from abc import ABC, abstractmethod

from azureml._werkbank import numbers
from azureml.exceptions import UserErrorException

__all__ = ["Gloo", "Mpi", "Nccl", "ParameterServer"]


class _DistributedTraining(ABC):
    """One of the ways."""

    _estimators = ()  # those that take it

    @abstractmethod
    def __str__(self):
        pass

    def validate(self, estimator_name):
        """UserErrorException where an estimator of that name does not take it."""
        if estimator_name not in self._estimators:
            raise UserErrorException(
                "{} does not take distributed_training={}().".format(estimator_name, type(self).__name__),
                werkbank_code="distributed_training_invalid",
                hint="It takes {}.".format(", ".join(kind.__name__ + "()" for kind in ways_of(estimator_name)) or "none"),
            )

    def _configure(self, run_config, process_count_per_node):
        """Write it into a run configuration whose node_count is set."""
        raise NotImplementedError


class Mpi(_DistributedTraining):
    """Processes that an MPI launcher starts, some on each node."""

    _estimators = ("Estimator", "PyTorch", "TensorFlow", "Chainer")

    def __init__(self, process_count_per_node=1):
        self.process_count_per_node = process_count_per_node

    def __str__(self):
        return "mpi"

    def _configure(self, run_config, process_count_per_node):
        # Either place names the number; the other one is left at 1.
        count = max(whole("process_count_per_node", self.process_count_per_node), process_count_per_node)
        run_config.framework, run_config.communicator = "Python", "IntelMpi"
        run_config.mpi.process_count_per_node, run_config.mpi.node_count = count, run_config.node_count


class ParameterServer(_DistributedTraining):
    """TensorFlow's workers and parameter servers."""

    _estimators = ("TensorFlow",)

    def __init__(self, worker_count=1, parameter_server_count=1):
        self.worker_count = worker_count
        self.parameter_server_count = parameter_server_count

    def __str__(self):
        return "ps"

    def _configure(self, run_config, process_count_per_node):
        _one_process(self, process_count_per_node)
        run_config.framework, run_config.communicator = "TensorFlow", "ParameterServer"
        run_config.tensorflow.worker_count = whole("worker_count", self.worker_count)
        run_config.tensorflow.parameter_server_count = whole("parameter_server_count", self.parameter_server_count)


class _TorchBackend(_DistributedTraining):
    _estimators = ("PyTorch",)

    def _configure(self, run_config, process_count_per_node):
        run_config.framework, run_config.communicator = "PyTorch", type(self).__name__
        run_config.pytorch.communication_backend = str(self)
        run_config.pytorch.node_count = run_config.node_count
        run_config.pytorch.process_count = run_config.node_count * process_count_per_node


class Gloo(_TorchBackend):
    """torch.distributed over Gloo."""

    def __init__(self):
        pass

    def __str__(self):
        return "gloo"


class Nccl(_TorchBackend):
    """torch.distributed over NCCL."""

    def __init__(self):
        pass

    def __str__(self):
        return "nccl"


def ways_of(estimator_name):
    """The classes that an estimator takes; None: that any of them takes."""
    return [kind for kind in (Mpi, ParameterServer, Gloo, Nccl) if estimator_name is None or estimator_name in kind._estimators]


def way_of(estimator_name, backend, worker_count=1, parameter_server_count=1):
    """The object behind the older distributed_backend: "mpi", "ps", "gloo", "nccl"."""
    text = "{}".format(backend).lower()
    for kind in ways_of(estimator_name):
        made = kind(worker_count, parameter_server_count) if kind is ParameterServer else kind()
        if str(made) == text:
            return made
    raise UserErrorException(
        "{} does not take distributed_backend={!r}.".format(estimator_name or "The run configuration", backend),
        werkbank_code="distributed_training_invalid",
        hint="It takes {}.".format(", ".join(repr(str(kind())) for kind in ways_of(estimator_name)) or "none"),
    )


def whole(name, value):
    """The number behind 2 or '2'; UserErrorException for what is no whole number from 1 on."""
    return numbers.whole(name, value, 1, code="estimator_invalid")


def _one_process(way, process_count_per_node):
    if process_count_per_node != 1:
        raise UserErrorException(
            "{}() takes no process_count_per_node.".format(type(way).__name__),
            werkbank_code="distributed_training_invalid",
            hint="Its own worker_count and parameter_server_count say how many processes there are.",
        )
