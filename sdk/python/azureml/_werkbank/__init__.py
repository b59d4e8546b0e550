"""What stands behind the v1 names: the way to the server, the metric writers, snapshots, waiting. Not for scripts."""
