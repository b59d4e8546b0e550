"""The run of a script that was not submitted: it prints what it would record. What v1's has not got, this has not got either."""


class _OfflineRun(object):
    def __init__(self, parent_logger=None, run_id=None, **kwargs):
        if run_id is None:
            import uuid

            run_id = "OfflineRun_{}".format(uuid.uuid4())
        self._run_id = run_id

    @property
    def id(self):
        """The run's id; starts with OfflineRun_."""
        return self._run_id

    def _attempt(self, kind, name, value):
        print("Attempted to log {} metric {}:\n{}".format(kind, name, value))

    def log(self, name, value, description=''):
        self._attempt("scalar", name, value)

    def log_list(self, name, value, description=''):
        self._attempt("list", name, value)

    def log_row(self, name, description=None, **kwargs):
        self._attempt("row", name, kwargs)

    def log_table(self, name, value, description=''):
        self._attempt("table", name, value)

    def log_image(self, name, path=None, plot=None, description=''):
        self._attempt("image", name, path if path is not None else plot)

    def log_confusion_matrix(self, name, value, description=None):
        self._attempt("confusion_matrix", name, value)

    def log_accuracy_table(self, name, value, description=None):
        self._attempt("accuracy_table", name, value)

    def log_residuals(self, name, value, description=None):
        self._attempt("residual", name, value)

    def log_predictions(self, name, value, description=None):
        self._attempt("predictions", name, value)

    def upload_file(self, name, path_or_stream, datastore_name=None):
        print("Attempted to track file {} at {}".format(name, path_or_stream))

    def upload_files(self, name, paths, return_artifacts=False, timeout_seconds=None, datastore_name=None):
        for each, path in zip(name, paths):
            self.upload_file(each, path, datastore_name)

    def upload_folder(self, name, path, datastore_name=None):
        print("Attempted to track folder {} at {}".format(name, path))

    def tag(self, name, value=None):
        print("Attempted to add tag {} with value {}".format(name, value))

    def set_tags(self, tags):
        for name, value in tags.items():
            self.tag(name, value)

    def add_properties(self, properties):
        print("Attempted to add properties {}".format(properties))

    def flush(self):
        print("Attempted to flush run with id {}".format(self._run_id))

    def child_run(self, name=None, run_id=None, outputs=None):
        if run_id is None:
            import uuid

            run_id = "{}.{}".format(self._run_id, name or uuid.uuid4())
        return _OfflineRun(run_id=run_id)

    def complete(self):
        """Nothing to do."""

    def cancel(self):
        """Nothing to do."""

    def fail(self, error_details=None, error_code=None):
        print("Attempted to fail run with id {}: {}".format(self._run_id, error_details))

    def __enter__(self):
        print("[START] Run {} context".format(self._run_id))
        return self

    def __exit__(self, exit_type, value, traceback):
        print("[STOP] Run {} context".format(self._run_id))
        return False

    def __repr__(self):
        return "Run(Id: {})".format(self._run_id)
