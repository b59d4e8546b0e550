"""What the versions of a framework are made of, as lines of a requirements file; `gpu` where the GPU's package has another
name."""

from collections import OrderedDict


class Framework(object):
    """The versions that an estimator offers."""

    def __init__(self, versions):
        self._versions = OrderedDict(versions)

    def versions(self):
        return list(self._versions)

    def packages(self, version, use_gpu):
        """The packages of a version; None for one that is not known."""
        found = self._versions.get(version)
        if found is None:
            return None
        plain, gpu = found
        return list(gpu if use_gpu and gpu is not None else plain)


def _tensorflow(version, *more):
    # Their own requirements leave out that they need the older protobuf, and up to 2.2 the older h5py.
    more = ["protobuf<3.21"] + list(more)
    return version, (["tensorflow=={}.*".format(version)] + more, ["tensorflow-gpu=={}.*".format(version)] + more)


def _torch(version, vision, *more):
    # Built against NumPy 1; torchvision before 0.5 reads a constant that Pillow 7 dropped.
    return version, (["torch=={}.*".format(version), "torchvision=={}".format(vision), "numpy<2"] + list(more), None)


def _sklearn(version, *more):
    return version, (["scikit-learn=={}".format(version), "numpy" + "".join(more), "scipy", "joblib", "pandas"], None)


TENSORFLOW = Framework(
    [
        _tensorflow("1.10"),
        _tensorflow("1.12", "h5py<3"),
        _tensorflow("1.13", "h5py<3"),
        _tensorflow("1.14", "h5py<3"),
        _tensorflow("1.15", "h5py<3"),
        _tensorflow("2.0", "h5py<3"),
        _tensorflow("2.1", "h5py<3"),
        _tensorflow("2.2", "h5py<3"),
        _tensorflow("2.3"),
        _tensorflow("2.4"),
    ]
)
PYTORCH = Framework(
    [
        _torch("1.0", "0.2.2.post3", "pillow<7"),
        _torch("1.1", "0.3.*", "pillow<7"),
        _torch("1.2", "0.4.*", "pillow<7"),
        _torch("1.3", "0.4.*", "pillow<7"),
        _torch("1.4", "0.5.*"),
        _torch("1.5", "0.6.*"),
        _torch("1.6", "0.7.*"),
        _torch("1.7", "0.8.*"),
        _torch("1.8", "0.9.*"),
        _torch("1.9", "0.10.*"),
        _torch("1.10", "0.11.*"),
        _torch("1.13", "0.14.*"),
        _torch("2.0", "0.15.*"),
    ]
)
CHAINER = Framework(
    [
        ("5.1.0", (["chainer==5.1.0"], ["chainer==5.1.0", "cupy-cuda90==5.1.0"])),
        ("7.0.0", (["chainer==7.0.0"], ["chainer==7.0.0", "cupy-cuda101==7.0.0"])),
        ("7.7.0", (["chainer==7.7.0"], ["chainer==7.7.0", "cupy-cuda102==7.7.0"])),
    ]
)
SKLEARN = Framework(
    [
        _sklearn("0.20.3"),
        _sklearn("0.22.1"),
        _sklearn("0.23.2"),
        _sklearn("0.24.2"),
        _sklearn("1.0.2", "<2"),
        _sklearn("1.1.3", "<2"),
        _sklearn("1.2.2", "<2"),
        _sklearn("1.3.2", "<2"),
        _sklearn("1.4.2", "<2"),
        _sklearn("1.5.2"),
    ]
)
