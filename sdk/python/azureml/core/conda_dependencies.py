"""CondaDependencies: the conda file of an environment."""

import re
from collections import OrderedDict

from azureml._werkbank.version import VERSION
from azureml.exceptions import UserErrorException

__all__ = ["CondaDependencies"]

BASE_PROJECT_MODULE = "azureml._project"
BASE_PROJECT_FILE_RELATIVE_PATH = "base_project_files/conda_dependencies.yml"
CONDA_FILE_NAME = "auto_conda_dependencies.yml"
CHANNELS = "channels"
PACKAGES = "dependencies"
PIP = "pip"
PYTHON_PREFIX = "python"
VERSION_REGEX = re.compile(r"(\d+)\.(\d+)(\.(\d+))?([ab](\d+))?$")
PYTHON_DEFAULT_VERSION = "3.10.18"
CPU = "cpu"
GPU = "gpu"
LINUX_PLATFORM = "linux"
WINDOWS_PLATFORM = "win32"
TENSORFLOW_PACKAGE_PREFIX = "tensorflow"
TENSORFLOW_DEFAULT_VERSION = "2.2.0"
PYTORCH_PACKAGE_PREFIX = "torch"
PYTORCH_DEFAULT_VERSION = "1.6.0"
TORCHVISION_PACKAGE_PREFIX = "torchvision"
TORCHVISION_DEFAULT_VERSION = "0.7.0"
HOROVOD_DEFAULT_VERSION = "0.19.5"
CHAINER_PACKAGE_PREFIX = "chainer"
DEFAULT_CHAINER_VERSION = "7.7.0"
CUPY_DEFAULT_VERSION = "cupy-cuda102"
CNTK_PACKAGE_PREFIX = "cntk"
CNTK_DEFAULT_VERSION = "2.7"

_DEFAULT_CHANNELS = ("anaconda", "conda-forge")
_HEADER = "# The conda environment of a run, for environments that are not user-managed.\n"


def package_name(package):
    """A package's name without version, extras and build: what two specifications are compared by."""
    return re.split(r"[\s=<>!~;\[@]", package.strip(), maxsplit=1)[0].lower().replace("_", "-")


def _default_structure():
    return OrderedDict(
        [
            ("name", "project_environment"),
            (PACKAGES, ["python=3.8.13", {PIP: ["azureml-defaults"]}]),
            (CHANNELS, list(_DEFAULT_CHANNELS)),
        ]
    )


class CondaDependencies(object):
    """Packages from conda and pip, and the Python version, as a conda environment file holds them."""

    DEFAULT_NUMBER_OF_CONDA_PACKAGES = 0
    DEFAULT_NUMBER_OF_PIP_PACKAGES = 0

    def __init__(self, conda_dependencies_file_path=None, _underlying_structure=None):
        self._python_by_default = False
        if conda_dependencies_file_path is not None:
            from azureml._werkbank.binary import yaml_to_data

            try:
                structure = yaml_to_data(conda_dependencies_file_path)
            except OSError as error:
                raise UserErrorException(
                    "The conda file {} cannot be read: {}".format(conda_dependencies_file_path, error.strerror),
                    werkbank_code="conda_file_invalid",
                )
            self._structure = _checked(structure, conda_dependencies_file_path)
        elif _underlying_structure is not None:
            self._structure = _checked(_underlying_structure, "The conda specification")
        else:
            self._structure = _default_structure()
            self._python_by_default = True

    @staticmethod
    def create(
        pip_indexurl=None, pip_packages=None, conda_packages=None, python_version=PYTHON_DEFAULT_VERSION, pin_sdk_version=True
    ):
        """A new one: the Python version, and what is asked for."""
        created = CondaDependencies(
            _underlying_structure=OrderedDict(
                [("name", "project_environment"), (PACKAGES, [{PIP: []}]), (CHANNELS, list(_DEFAULT_CHANNELS))]
            )
        )
        created.set_python_version(python_version)
        created._python_by_default = python_version == PYTHON_DEFAULT_VERSION
        if pip_indexurl:
            created.set_pip_index_url(pip_indexurl)
        for package in _packages(pip_packages if pip_packages else ["azureml-defaults"], "pip_packages"):
            if (
                pin_sdk_version
                and package_name(package).startswith("azureml-")
                and package_name(package) == package.strip().lower()
            ):
                package = "{}~={}".format(package.strip(), VERSION)
            created.add_pip_package(package)
        for package in _packages(conda_packages or [], "conda_packages"):
            created.add_conda_package(package)
        return created

    @staticmethod
    def merge_requirements(requirements):
        """Several versions of one package as one specification: ["a>=1", "a<2"] → ["a>=1,<2"]."""
        merged = OrderedDict()
        for requirement in requirements:
            name = re.split(r"[=<>!~]", requirement, maxsplit=1)[0].strip()
            version = requirement.strip()[len(name) :].strip()
            merged.setdefault(name, [])
            if version and version not in merged[name]:
                merged[name].append(version)
        return [name + ",".join(versions) for name, versions in merged.items()]

    @staticmethod
    def sdk_origin_url():
        """The package index that is configured for pip; '' where it is pip's own default."""
        import os

        return os.environ.get("PIP_INDEX_URL", "")

    @property
    def conda_channels(self):
        """The channels, in order."""
        return iter(list(self._structure.get(CHANNELS) or ()))

    @property
    def conda_packages(self):
        """The conda packages, Python among them."""
        return iter([entry for entry in self._entries() if not isinstance(entry, dict)])

    @property
    def pip_packages(self):
        """The pip packages."""
        return iter([line for line in self._pip() if not line.lstrip().startswith("-")])

    @property
    def pip_options(self):
        """The option lines of the pip section."""
        return iter([line for line in self._pip() if line.lstrip().startswith("-")])

    def get_default_number_of_packages(self):
        """How many packages there are without being asked for."""
        return self.DEFAULT_NUMBER_OF_CONDA_PACKAGES, self.DEFAULT_NUMBER_OF_PIP_PACKAGES

    def get_python_version(self):
        """The Python version; None where none is set."""
        for package in self.conda_packages:
            if package_name(package) == PYTHON_PREFIX:
                return re.sub(r"^[\s=<>!~]+", "", package.strip()[len(PYTHON_PREFIX) :]) or None
        return None

    def set_python_version(self, version):
        """Set the Python version."""
        entries = [entry for entry in self._entries() if isinstance(entry, dict) or package_name(entry) != PYTHON_PREFIX]
        self._structure[PACKAGES] = ["{}={}".format(PYTHON_PREFIX, version)] + entries if version else entries
        self._python_by_default = False

    def add_channel(self, channel):
        """Add a conda channel."""
        channels = self._structure.setdefault(CHANNELS, [])
        if channel not in channels:
            channels.append(channel)

    def remove_channel(self, channel):
        """Remove a conda channel."""
        self._structure[CHANNELS] = [each for each in self._structure.get(CHANNELS) or () if each != channel]

    def add_conda_package(self, conda_package):
        """Add a conda package, in place of another version of it."""
        self.remove_conda_package(conda_package)
        self._entries().append(conda_package)

    def remove_conda_package(self, conda_package):
        """Remove a conda package, whatever its version."""
        name = package_name(conda_package)
        self._structure[PACKAGES] = [entry for entry in self._entries() if isinstance(entry, dict) or package_name(entry) != name]

    def add_pip_package(self, pip_package):
        """Add a pip package, in place of another version of it."""
        self.remove_pip_package(pip_package)
        self._pip(make=True).append(pip_package)

    def remove_pip_package(self, pip_package):
        """Remove a pip package, whatever its version."""
        name = package_name(pip_package)
        self._set_pip([line for line in self._pip() if line.lstrip().startswith("-") or package_name(line) != name])

    def set_pip_requirements(self, pip_requirements):
        """Replace the pip packages; the option lines stay."""
        self._set_pip(list(self.pip_options) + list(_packages(pip_requirements, "pip_requirements")))

    def set_pip_option(self, pip_option):
        """Add an option line to the pip section, in place of the same option."""
        self.remove_pip_option(pip_option)
        lines = self._pip(make=True)
        lines.insert(len(list(self.pip_options)), pip_option)

    def remove_pip_option(self, pip_option):
        """Remove an option line."""
        name = pip_option.strip().split()[0].split("=")[0]
        self._set_pip(
            [line for line in self._pip() if line.strip().split()[:1] != [name] and not line.strip().startswith(name + "=")]
        )

    def set_pip_index_url(self, index_url):
        """Set the package index."""
        self.set_pip_option("--index-url {}".format(index_url))

    def add_tensorflow_conda_package(self, core_type=CPU, version=None):
        """Add TensorFlow from conda."""
        name = "tensorflow-gpu" if _checked_core(core_type) == GPU else "tensorflow"
        self.add_conda_package("{}={}".format(name, version) if version else name)

    def add_tensorflow_pip_package(self, core_type=CPU, version=None):
        """Add TensorFlow from pip."""
        name = "tensorflow-gpu" if _checked_core(core_type) == GPU else "tensorflow"
        self.add_pip_package("{}=={}".format(name, version or TENSORFLOW_DEFAULT_VERSION))

    def add_cntk_package(self, core_type=CPU):
        """Add CNTK from pip."""
        name = "cntk-gpu" if _checked_core(core_type) == GPU else "cntk"
        self.add_pip_package("{}=={}".format(name, CNTK_DEFAULT_VERSION))

    def as_dict(self):
        """The content as plain data."""
        import copy

        return copy.deepcopy(self._structure)

    def serialize_to_string(self):
        """The content as YAML text."""
        from azureml._werkbank.yaml_text import dump_yaml

        return _HEADER + dump_yaml(self._structure)

    def save(self, path=None):
        """Write the file (by default conda_dependencies.yml), and answer its path."""
        import os

        target = path or "conda_dependencies.yml"
        if os.path.isdir(target):
            target = os.path.join(target, "conda_dependencies.yml")
        with open(target, "w") as stream:
            stream.write(self.serialize_to_string())
        return target

    def save_to_file(self, base_directory, conda_file_path=None):
        """Write the file below a folder, and answer its path relative to it."""
        import os

        relative = conda_file_path or CONDA_FILE_NAME
        self.save(os.path.join(base_directory, relative))
        return relative

    def _entries(self):
        return self._structure.setdefault(PACKAGES, [])

    def _pip(self, make=False):
        for entry in self._entries():
            if isinstance(entry, dict) and PIP in entry:
                if entry[PIP] is None:
                    entry[PIP] = []
                return entry[PIP]
        lines = []
        if make:
            self._entries().append({PIP: lines})
        return lines

    def _set_pip(self, lines):
        for entry in self._entries():
            if isinstance(entry, dict) and PIP in entry:
                entry[PIP] = lines
                return
        if lines:
            self._entries().append({PIP: lines})

    def __eq__(self, other):
        return isinstance(other, CondaDependencies) and self._structure == other._structure

    __hash__ = None

    def __repr__(self):
        return self.serialize_to_string()


def _checked(structure, where):
    """The structure of a conda file, refused where it cannot be one."""
    import copy

    if not isinstance(structure, dict):
        raise UserErrorException("{} is not a mapping with `dependencies`.".format(where), werkbank_code="conda_file_invalid")
    for key in (PACKAGES, CHANNELS):
        if not isinstance(structure.get(key) or [], list):
            raise UserErrorException("{}: `{}` has to be a list.".format(where, key), werkbank_code="conda_file_invalid")
    for entry in structure.get(PACKAGES) or []:
        if isinstance(entry, dict):
            if not isinstance(entry.get(PIP) or [], list) or any(not isinstance(line, str) for line in entry.get(PIP) or []):
                raise UserErrorException("{}: `pip` has to be a list of texts.".format(where), werkbank_code="conda_file_invalid")
        elif not isinstance(entry, str):
            raise UserErrorException("{}: {!r} is not a package.".format(where, entry), werkbank_code="conda_file_invalid")
    copied = copy.deepcopy(structure)
    copied[PACKAGES] = copied.get(PACKAGES) or []
    return copied


def _packages(packages, what):
    if isinstance(packages, str) or not all(isinstance(package, str) for package in packages):
        raise UserErrorException("{} has to be a list of texts.".format(what), werkbank_code="packages_invalid")
    return packages


def _checked_core(core_type):
    if core_type not in (CPU, GPU):
        raise UserErrorException(
            "core_type has to be 'cpu' or 'gpu'; it is {!r}.".format(core_type), werkbank_code="core_type_invalid"
        )
    return core_type
