"""Links into the studio."""


NO_ADDRESS = "werkbank://local"


def _web_address(server):
    """Where a browser finds the server; empty where it listens on its socket alone. Asked once."""
    if not server.is_unix:
        return server.url
    if getattr(server, "_web_address", None) is None:
        server._web_address = (server.request("GET", "/api/v1").json() or {}).get("webAddress", "")
    return server._web_address


def web_view(run):
    """What stands behind "Web View:": the link, or the command that shows the run where no browser could open one."""
    url = run.get_portal_url()
    if not url.startswith(NO_ADDRESS):
        return url
    workspace = run.experiment.workspace.name
    return "werkbank run show {}{}".format(run.id, "" if workspace == "default" else " -w " + workspace)


class HasPortal(object):
    """Something with a page of its own."""

    def get_portal_url(self):
        raise NotImplementedError


class HasWorkspacePortal(HasPortal):
    """A page of a workspace."""

    WORKSPACE_FMT = "?wsid=/subscriptions/{0}/resourcegroups/{1}/workspaces/{2}"
    TID_FMT = "&tid={0}"

    def __init__(self, workspace):
        self._portal_workspace = workspace

    @property
    def portal_url(self):
        """The studio's address: the server's. Where that listens on its socket alone, there is none that a browser opens, so it
        gets a scheme of its own."""
        return _web_address(self._portal_workspace._server) or NO_ADDRESS

    def get_portal_url(self):
        return self.portal_url + self._workspace_suffix()

    def _workspace_suffix(self):
        workspace = self._portal_workspace
        return self.WORKSPACE_FMT.format(workspace.subscription_id, workspace.resource_group, workspace.name)


class HasExperimentPortal(HasWorkspacePortal):
    """A page of an experiment."""

    EXPERIMENT_ID_PATH = "/experiments/id/{0}"
    EXPERIMENT_NAME_PATH = "/experiments/{0}"

    def __init__(self, experiment):
        HasWorkspacePortal.__init__(self, experiment.workspace)
        self._portal_experiment = experiment

    def get_portal_url(self):
        return self.portal_url + self.EXPERIMENT_NAME_PATH.format(self._portal_experiment.name) + self._workspace_suffix()


class HasRunPortal(HasExperimentPortal):
    """A page of a run."""

    RUN_PATH = "/runs/{0}"

    def __init__(self, experiment, run_id):
        HasExperimentPortal.__init__(self, experiment)
        self._portal_run_id = run_id

    def get_portal_url(self):
        return self.portal_url + self.RUN_PATH.format(self._portal_run_id) + self._workspace_suffix()


class HasPipelinePortal(HasWorkspacePortal):
    """A page of a published pipeline."""

    PIPELINE_PATH = "/pipelines/{0}"

    def __init__(self, pipeline):
        HasWorkspacePortal.__init__(self, pipeline.workspace)
        self._pipeline = pipeline

    def get_portal_url(self):
        return self.portal_url + self.PIPELINE_PATH.format(self._pipeline.id) + self._workspace_suffix()
