"""Tests reading the settings from the environment."""

import pytest
from pydantic import ValidationError

from shared.settings import Settings

CLOUD = {"K_SERVICE": "chat", "DEFAULT_ALLOWANCE": "20"}


def test_no_variable_is_required_locally() -> None:
    """Without any variables, the service runs locally and without authentication."""
    settings = Settings.from_environ({})
    assert (settings.app_env, settings.authentication_required) == ("local", False)


def test_an_empty_variable_counts_as_unset() -> None:
    """An empty variable is treated as unset, because Compose files and CI often leave variables empty."""
    assert Settings.from_environ({"APP_ENV": "", "LEASE_SECONDS": ""}) == Settings()


@pytest.mark.parametrize(
    ("environ", "required"),
    [
        ({"APP_ENV": "firebase"}, True),
        ({"APP_ENV": "production"}, False),
        (CLOUD, True),
        ({**CLOUD, "APP_ENV": "local"}, False),
        ({**CLOUD, "FUNCTIONS_EMULATOR": "true"}, False),
        ({**CLOUD, "FUNCTIONS_EMULATOR": "false"}, True),
        ({**CLOUD, "APP_ENV": " firebase "}, True),
    ],
)
def test_authentication_is_required_in_the_cloud_by_default(environ: dict[str, str], required: bool) -> None:
    """A deployment requires authentication even if `APP_ENV` is not set."""
    assert Settings.from_environ(environ).authentication_required is required


def test_the_project_can_be_set_with_two_variables() -> None:
    """The project is read from Google's variable or, if that is not set, from the Firebase CLI's."""
    assert Settings.from_environ({"GCLOUD_PROJECT": "a"}).google_cloud_project == "a"
    both = {"GCLOUD_PROJECT": "a", "GOOGLE_CLOUD_PROJECT": "b"}
    assert Settings.from_environ(both).google_cloud_project == "b"


def test_the_workers_caller_is_the_projects_account_in_the_cloud() -> None:
    """In the cloud, the worker accepts the service account that `deploy/bootstrap` creates, unless another one is
    set."""
    cloud = {**CLOUD, "GCLOUD_PROJECT": "a"}
    assert Settings.from_environ(cloud).worker_service_account == "task-invoker@a.iam.gserviceaccount.com"
    other = {**cloud, "WORKER_SERVICE_ACCOUNT": "other@a.iam.gserviceaccount.com"}
    assert Settings.from_environ(other).worker_service_account == "other@a.iam.gserviceaccount.com"
    assert Settings.from_environ({"GCLOUD_PROJECT": "a"}).worker_service_account is None


def test_the_sweeps_caller_is_the_schedulers_account_in_the_cloud() -> None:
    """In the cloud, the sweep accepts the service account and the audience of the job that `deploy/bootstrap`
    creates."""
    settings = Settings.from_environ({"K_SERVICE": "sweep", "GCLOUD_PROJECT": "a", "DEFAULT_ALLOWANCE": "20"})
    assert settings.sweep_service_account == "scheduler-invoker@a.iam.gserviceaccount.com"
    assert settings.sweep_address == "https://us-central1-a.cloudfunctions.net/sweep"
    assert Settings.from_environ({"GCLOUD_PROJECT": "a"}).sweep_service_account is None


def test_lists_are_separated_by_commas() -> None:
    """The elements of a list are separated by commas. Spaces and empty elements are ignored."""
    settings = Settings.from_environ({"CORS_ORIGINS": " https://a.example ,, https://b.example,"})
    assert settings.cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize("value", ["many", "-1", "0", "1.5"])
def test_the_error_for_an_invalid_value_names_the_variable(value: str) -> None:
    """An invalid value is an error at startup, and not only in the first request that needs the setting."""
    with pytest.raises(ValidationError, match="CHAT_MAX_ATTEMPTS"):
        Settings.from_environ({"CHAT_MAX_ATTEMPTS": value})


@pytest.mark.parametrize(
    "mistake", [{"APP_ENV": "production"}, {"APP_ENV": "Firebase"}, {"FIREBASE_AUTH_EMULATOR_HOST": "localhost:9099"}]
)
def test_a_mistake_does_not_disable_authentication_in_the_cloud(mistake: dict[str, str]) -> None:
    """If a variable has an invalid value in the cloud, the function does not start, instead of disabling
    authentication."""
    with pytest.raises(ValueError, match=next(iter(mistake))):
        Settings.from_environ({**CLOUD, **mistake})


def test_private_addresses_cannot_be_allowed_in_the_cloud() -> None:
    """Private addresses can be allowed only in local use, where only the developer's own code runs."""
    with pytest.raises(ValueError, match="OUTBOUND_ALLOWED_HOSTS"):
        Settings.from_environ({**CLOUD, "OUTBOUND_ALLOWED_HOSTS": "localhost"})
    assert Settings.from_environ({"OUTBOUND_ALLOWED_HOSTS": "localhost, 127.0.0.1"}).outbound_allowed_hosts == (
        "localhost",
        "127.0.0.1",
    )


@pytest.mark.parametrize("unset", [{}, {"DEFAULT_ALLOWANCE": " "}])
def test_the_default_allowance_must_be_set_in_the_cloud(unset: dict[str, str]) -> None:
    """In the cloud, a function does not start without a default allowance, because the operator pays for it. Locally,
    it is $100."""
    for name in ("chat", "meta"):
        with pytest.raises(ValueError, match=r"DEFAULT_ALLOWANCE has no default in the cloud: set .*\.env\.<project>"):
            Settings.from_environ({"K_SERVICE": name, **unset})
    assert Settings.from_environ({"K_SERVICE": "chat", "FUNCTIONS_EMULATOR": "true"}).default_allowance == 100
    assert Settings.from_environ({**CLOUD, "DEFAULT_ALLOWANCE": "0"}).default_allowance == 0


@pytest.mark.parametrize("value", ["weekly", "Monthly", "1"])
def test_an_allowance_is_refilled_monthly_or_never(value: str) -> None:
    """Values other than `monthly` and `never` are refused, and the error names the variable."""
    with pytest.raises(ValidationError, match="ALLOWANCE_REFILL"):
        Settings.from_environ({"ALLOWANCE_REFILL": value})
