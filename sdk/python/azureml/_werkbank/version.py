"""The SDK version whose interface this package has."""

VERSION = "1.61.0"
