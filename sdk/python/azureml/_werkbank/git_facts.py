"""Where a folder's code comes from. git is asked with hooks and monitors off, and only where there is a repository."""

import os
import re

_OVERRIDES = (("repositoryUrl", "AZUREML_GIT_REPOSITORY_URI"), ("branch", "AZUREML_GIT_BRANCH"), ("commit", "AZUREML_GIT_COMMIT"))


def git_facts(folder):
    """{repositoryUrl, branch, commit, dirty}; {} where the folder is in no repository. AZUREML_GIT_* variables win."""
    facts = _ask(folder) if _in_repository(folder) else {}
    for key, variable in _OVERRIDES:
        if os.environ.get(variable):
            facts[key] = os.environ[variable]
    if os.environ.get("AZUREML_GIT_DIRTY"):
        facts["dirty"] = os.environ["AZUREML_GIT_DIRTY"].lower() in ("1", "true", "yes")
    if facts:
        for key in ("repositoryUrl", "branch", "commit"):
            facts.setdefault(key, "")
        facts.setdefault("dirty", False)
        facts["repositoryUrl"] = without_password(facts["repositoryUrl"])
    return facts


def git_properties(facts):
    """The facts as v1's run properties."""
    properties = {}
    for key, names in (
        ("repositoryUrl", ("azureml.git.repository_uri", "mlflow.source.git.repoURL")),
        ("branch", ("azureml.git.branch", "mlflow.source.git.branch")),
        ("commit", ("azureml.git.commit", "mlflow.source.git.commit")),
    ):
        for name in names:
            if facts.get(key):
                properties[name] = facts[key]
    if facts:
        properties["azureml.git.dirty"] = "True" if facts.get("dirty") else "False"
    for name, variable in (("azureml.git.build_id", "AZUREML_GIT_BUILD_ID"), ("azureml.git.build_uri", "AZUREML_GIT_BUILD_URI")):
        if os.environ.get(variable):
            properties[name] = os.environ[variable]
    return properties


def without_password(url):
    """A repository's address without a login in it."""
    return re.sub(r"^([a-zA-Z][a-zA-Z0-9+.-]*://)[^/@]*@", r"\1", url)


def _in_repository(folder):
    place = os.path.abspath(folder)
    while True:
        if os.path.exists(os.path.join(place, ".git")):
            return True
        above = os.path.dirname(place)
        if above == place:
            return False
        place = above


def _ask(folder):
    head = _git(folder, "rev-parse", "HEAD", "--abbrev-ref", "HEAD").split("\n")
    if len(head) < 2:
        return {}
    return {
        "commit": head[0],
        "branch": head[1],
        "repositoryUrl": _git(folder, "config", "--get", "remote.origin.url"),
        "dirty": bool(_git(folder, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")),
    }


def _git(folder, *arguments):
    """The output of one git command; '' where it fails."""
    import subprocess

    command = ["git", "-C", folder, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.devnull, "-c", "safe.directory=*"]
    environment = dict(os.environ, GIT_OPTIONAL_LOCKS="0", GIT_TERMINAL_PROMPT="0", LC_ALL="C")
    try:
        process = subprocess.Popen(
            command + list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
    except OSError:
        return ""
    try:
        out, _ = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return ""
    return out.decode("utf-8", "replace").strip() if process.returncode == 0 else ""
