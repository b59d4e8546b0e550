"""Reads the IDX files of MNIST: big-endian numbers, packed with gzip."""

import gzip
import struct

import numpy as np

UNSIGNED_BYTES = 8


def load_data(filename, label=False):
    """The images of a file, one in each row (with `label` the labels, in one column), as an array of bytes."""
    with gzip.open(filename, 'rb') as stream:
        start, kind, dimensions = struct.unpack('>HBB', stream.read(4))
        if start != 0 or kind != UNSIGNED_BYTES or dimensions != (1 if label else 3):
            raise ValueError('{} is no IDX file of {}'.format(filename, 'labels' if label else 'images'))
        shape = struct.unpack('>{}I'.format(dimensions), stream.read(4 * dimensions))
        values = np.frombuffer(stream.read(), dtype=np.uint8)
    if values.size != np.prod(shape, dtype=np.int64):
        raise ValueError('{} is not whole'.format(filename))
    return values.reshape(shape[0], -1)
