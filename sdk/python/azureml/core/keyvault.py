"""Keyvault: the workspace's secrets."""

from azureml._werkbank.problems import is_problem
from azureml.exceptions import UserErrorException

__all__ = ["Keyvault"]


class Keyvault(object):
    """The secrets of a workspace: sealed on the server, their values shown only when asked for by name."""

    def __init__(self, workspace):
        self.workspace = workspace

    def get_secret(self, name):
        """The value of a secret; None where there is none of that name."""
        try:
            return self.workspace._client.get("secrets", name, "value")["value"]
        except Exception as error:
            if is_problem(error, 404):
                return None
            raise

    def get_secrets(self, secrets):
        """The values of some secrets, by name."""
        return dict((name, self.get_secret(name)) for name in secrets)

    def get_secret_content_type(self, name):
        """v1's content type of a secret: none is kept. None where there is no such secret."""
        names = [item["name"] for item in self.workspace._client.items("secrets")]
        return "application/NotProvided" if name in names else None

    def list_secrets(self):
        """The names of all secrets."""
        return [
            {"name": item["name"], "content_type": "application/NotProvided"} for item in self.workspace._client.items("secrets")
        ]

    def set_secret(self, name, value, content_type='application/NotProvided'):
        """Keep a secret under a name, over an older one."""
        if not isinstance(value, str):
            raise UserErrorException(
                "The value of a secret has to be text; for {!r} it is a {}.".format(name, type(value).__name__),
                werkbank_code="secret_invalid",
            )
        if not isinstance(name, str) or not name:
            raise UserErrorException(
                "The name of a secret is a text that is not empty; it is {!r}.".format(name), werkbank_code="secret_invalid"
            )
        client = self.workspace._client
        if content_type != "application/NotProvided":
            import logging

            logging.getLogger("azureml").warning("The content type of the secret %s is not kept.", name)
        client.server.request("PUT", client.path(("secrets", name)), body={"value": value})

    def set_secrets(self, secrets_batch):
        """Keep several secrets, given as a dict."""
        for name, value in secrets_batch.items():
            self.set_secret(name, value)

    def delete_secret(self, name):
        """Remove a secret."""
        self.workspace._client.delete("secrets", name)

    def delete_secrets(self, secrets):
        """Remove several secrets by name."""
        for name in secrets:
            self.delete_secret(name)
