"""Base of run configuration sections, under v1's module name."""
