"""Logins. There is no cloud to log in to: a server on this machine's socket knows its user. Over TCP a token counts: the one in
WERKBANK_TOKEN, the one that a class carries, or the one that `az login` keeps. Where there is none, and somebody is at the
keyboard, the default login and InteractiveLoginAuthentication show where to enter a code, as `az login` does.
"""

import time
from collections import namedtuple
from enum import Enum

from azureml._common.exceptions import AzureMLException  # noqa: F401 (importable from here, as in v1)
from azureml.exceptions import AuthenticationException, RunEnvironmentException, UserErrorException  # noqa: F401

AccessToken = namedtuple("AccessToken", ["token", "expires_on"])


class Audience(Enum):
    """What a token is for."""

    ARM = "ARM"
    AZUREML = "AZUREML"


class AbstractAuthentication(object):
    """Base of all logins."""

    _may_ask = False

    def __init__(self, cloud=None):
        self._cloud = cloud

    def _werkbank_token(self):
        """The bearer token for the server; '' where the login is the socket's."""
        import os

        return os.environ.get("WERKBANK_TOKEN", "")

    def get_authentication_header(self):
        """The HTTP header that says who calls."""
        token = self._werkbank_token()
        return {"Authorization": "Bearer " + token} if token else {}

    def get_token(self, *scopes, **kwargs):
        """The token, with the time it ends."""
        return AccessToken(self._werkbank_token(), int(time.time()) + 3600)

    def signed_session(self, session=None):
        """A requests session that carries the login."""
        if session is None:
            import requests

            session = requests.Session()
        session.headers.update(self.get_authentication_header())
        return session


class InteractiveLoginAuthentication(AbstractAuthentication):
    """The person at the keyboard, who is asked where the server does not know them yet."""

    _may_ask = True

    def __init__(self, force=False, tenant_id=None, cloud=None):
        AbstractAuthentication.__init__(self, cloud)
        self._tenant_id = tenant_id


class AzureCliAuthentication(AbstractAuthentication):
    """Whoever is logged in on the command line."""

    def __init__(self, cloud=None):
        AbstractAuthentication.__init__(self, cloud)


class MsiAuthentication(AbstractAuthentication):
    """The machine's own identity."""

    def __init__(self, cloud=None, **kwargs):
        AbstractAuthentication.__init__(self, cloud)


class ServicePrincipalAuthentication(AbstractAuthentication):
    """A service's identity: over TCP its password is the server's token (`werkbank token create`); WERKBANK_TOKEN wins."""

    _only_over_tcp = True  # a socket knows its user: the password stays here

    def __init__(self, tenant_id, service_principal_id, service_principal_password, cloud='AzureCloud', _enable_caching=True):
        AbstractAuthentication.__init__(self, cloud)
        self._tenant_id = tenant_id
        self._service_principal_id = service_principal_id
        self._token = service_principal_password

    def _werkbank_token(self):
        import os

        return os.environ.get("WERKBANK_TOKEN") or self._token or ""


class ArmTokenAuthentication(AbstractAuthentication):
    """A token given as text: the server's token."""

    def __init__(self, arm_access_token, cloud='None'):
        AbstractAuthentication.__init__(self, cloud)
        self._token = arm_access_token

    def update_arm_access_token(self, new_arm_access_token):
        """Use another token from now on."""
        self._token = new_arm_access_token

    def _werkbank_token(self):
        return self._token


class TokenAuthentication(AbstractAuthentication):
    """A function that answers the server's token for an audience."""

    def __init__(self, get_token_for_audience, cloud=None):
        if not callable(get_token_for_audience):
            raise UserErrorException(
                "TokenAuthentication needs a function of the audience.", werkbank_code="authentication_invalid"
            )
        AbstractAuthentication.__init__(self, cloud)
        self._get_token_for_audience = get_token_for_audience

    def get_token(self, audience='ARM'):
        """The function's token for an audience."""
        return self._get_token_for_audience(audience)

    def _werkbank_token(self):
        return self._get_token_for_audience(Audience.AZUREML.value)


class AzureMLTokenAuthentication(AbstractAuthentication):
    """The token of a run, inside its job."""

    EXPIRATION_THRESHOLD_IN_SECONDS = 95
    REFRESH_INTERVAL_IN_SECONDS = 30

    def __init__(
        self,
        azureml_access_token,
        expiry_time=None,
        host=None,
        subscription_id=None,
        resource_group_name=None,
        workspace_name=None,
        experiment_name=None,
        run_id=None,
        user_email=None,
        experiment_id=None,
        cloud='AzureCloud',
    ):
        AbstractAuthentication.__init__(self, cloud)
        self._run_id = run_id
        self.set_token(azureml_access_token, expiry_time)

    @classmethod
    def create(
        cls,
        azureml_access_token,
        expiry_time,
        host,
        subscription_id,
        resource_group_name,
        workspace_name,
        experiment_name,
        run_id,
        user_email=None,
        experiment_id=None,
    ):
        """The same as the constructor."""
        return cls(
            azureml_access_token,
            expiry_time,
            host,
            subscription_id,
            resource_group_name,
            workspace_name,
            experiment_name,
            run_id,
            user_email,
            experiment_id,
        )

    @property
    def token(self):
        """The token."""
        return self._token

    @property
    def expiry_time(self):
        """When the token ends."""
        return self._expiry_time

    def set_token(self, token, expiry_time):
        """Use another token from now on."""
        self._token = token
        self._expiry_time = expiry_time

    def get_authentication_header(self):
        """The HTTP header that says who calls."""
        return {"Authorization": "Bearer " + self._token}

    def _werkbank_token(self):
        return self._token
