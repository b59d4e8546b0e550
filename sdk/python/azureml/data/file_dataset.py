"""FileDataset: files of any kind, in datastores or at addresses."""

from azureml._werkbank.lazy import make_lazy
from azureml.data.abstract_dataset import AbstractDataset
from azureml.exceptions import AzureMLException, UserErrorException  # noqa: F401 (importable from here, as in v1)

__all__ = ["FileDataset"]

_METADATA = ("Size", "Extension", "Path")


class FileDataset(AbstractDataset):
    """Files. They are listed once, when the dataset is saved or first looked at; what is added later is not in it."""

    def __init__(self):
        AbstractDataset.__init__(self)

    def to_path(self):
        """The files' paths below the folder that a script is given."""
        return ["/" + each["name"] for each in self._state.files()]

    def download(self, target_path=None, overwrite=False, ignore_not_found=False):
        """Copy all files below a folder (by default a new temporary one); their paths."""
        if target_path is None:
            import tempfile

            target_path = tempfile.mkdtemp(prefix="azureml-")
        try:
            return self._state.download("{}".format(target_path), overwrite)
        except UserErrorException as error:
            if ignore_not_found and error.werkbank_code == "not_found":
                return []
            raise

    def mount(self, mount_point=None, **kwargs):
        """The files as a folder, read when they are used: `with dataset.mount() as context: … context.mount_point`."""
        from azureml.data.context_managers import DatasetContextManager

        return DatasetContextManager((self, mount_point), **kwargs)

    def as_mount(self, path_on_compute=None):
        """It as an input of a run: a folder whose files are read on demand."""
        return self.as_named_input(self._input_name()).as_mount(path_on_compute)

    def as_download(self, path_on_compute=None):
        """It as an input of a run: copied before the script starts."""
        return self.as_named_input(self._input_name()).as_download(path_on_compute)

    def as_hdfs(self):
        """Not there: a Hadoop file system of v1's clusters."""
        return self.as_named_input(self._input_name()).as_hdfs()

    def as_cache(self, datacache_store):
        """Not there: the caches of v1's preview."""
        _no_caches()

    def hydrate(self, datacache_store, replica_count=None):
        """Not there: the caches of v1's preview."""
        _no_caches()

    def take(self, count):
        """The first files."""
        count = whole_number(count)
        return self._selected(lambda files: files[:count])

    def skip(self, count):
        """All but the first files."""
        count = whole_number(count)
        return self._selected(lambda files: files[count:])

    def take_sample(self, probability, seed=None):
        """Some files: each is taken with this probability."""
        checked_share(probability, "probability")
        seed = checked_seed(seed)
        return self._selected(lambda files: _drawn(files, probability, seed, True))

    def random_split(self, percentage, seed=None):
        """Two datasets: about this share of the files, and the others."""
        checked_share(percentage, "percentage")
        seed = checked_seed(seed)
        return (
            self._selected(lambda files: _drawn(files, percentage, seed, True)),
            self._selected(lambda files: _drawn(files, percentage, seed, False)),
        )

    def file_metadata(self, col):
        """What is known of each file, for a filter: 'Size' (bytes), 'Extension' ('.csv'), 'Path'."""
        from azureml._werkbank.expressions import column

        if col not in _METADATA:
            raise UserErrorException(
                "Of files {} are known, and not {!r}.".format(", ".join(_METADATA), col), werkbank_code="file_metadata_unknown"
            )
        return column("metadata." + col)

    def filter(self, expression):
        """The files for which it holds: of file_metadata(…), or of partition keys (dataset['key'])."""
        from azureml._werkbank.expressions import checked

        node = checked(expression)
        form = self._state.definition["reader"].get("partitionFormat")
        return self._selected(lambda files: [each for each in files if _holds(node, each, form)])

    def _selected(self, select):
        return FileDataset._of(self._state.derived(select=select))


def _holds(node, file, form):
    import os
    from azureml._werkbank.expressions import evaluate
    from azureml._werkbank.partitions import partition_values

    row = {
        "metadata.Size": file["sizeBytes"],
        "metadata.Extension": os.path.splitext(file["name"])[1],
        "metadata.Path": "/" + file["name"],
    }
    if form:
        row.update(partition_values(form, file["path"]))

    def value(name):
        if name not in row:
            raise UserErrorException(
                "{!r} is no partition key of the dataset.".format(name),
                werkbank_code="partition_key_unknown",
                hint="Filter by file_metadata('Size'), or make the dataset with partition_format.",
            )
        return row[name]

    return bool(evaluate(node, value))


def _drawn(files, share, seed, taken):
    import random

    draw = random.Random(seed)
    return [each for each in files if (draw.random() < share) == taken]


def whole_number(count):
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise UserErrorException(
            "count is a whole number from 0 on, and not {!r}.".format(count), werkbank_code="argument_invalid"
        )
    return count


def checked_share(value, what):
    """A share between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise UserErrorException("{} is between 0 and 1, and not {!r}.".format(what, value), werkbank_code="argument_invalid")
    return value


def checked_seed(seed):
    """The seed: without one a new one, so that what was drawn stays the same."""
    if seed is not None:
        return int(seed)
    import random

    return random.SystemRandom().randrange(1 << 31)


def _no_caches():
    raise UserErrorException(
        "Data caches of v1's preview are not part of Werkbank.",
        werkbank_code="not_supported",
        hint="as_mount() keeps what was read in a cache that all runs of a machine share.",
    )


make_lazy(__name__, {"FileDatasetFactory": "azureml.data.dataset_factory"})
