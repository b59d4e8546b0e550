"""Small things."""

import logging


class NewLoggingLevel(object):
    """`with NewLoggingLevel(name, level):` a logger has another level."""

    def __init__(self, logger_name, level=logging.WARNING):
        self.logger_name = logger_name
        self.new_level = level
        self.logger = None
        self.old_level = None

    def __enter__(self):
        self.logger = logging.getLogger(self.logger_name)
        self.old_level = self.logger.level
        self.logger.setLevel(self.new_level)
        return self.logger

    def __exit__(self, et, ev, tb):
        self.logger.setLevel(self.old_level)
