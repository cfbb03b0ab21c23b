"""Settings, as the environment gives them."""

import pytest
from pydantic import ValidationError

from shared.settings import Settings

CLOUD = {"K_SERVICE": "chat", "DEFAULT_ALLOWANCE": "20"}


def test_nothing_has_to_be_set() -> None:
    """Locally."""
    settings = Settings.from_environ({})
    assert (settings.app_env, settings.authentication_required) == ("local", False)


def test_what_is_empty_counts_as_not_set() -> None:
    """As compose files and CI leave variables."""
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
def test_in_the_cloud_authentication_is_on_unless_switched_off_by_name(environ: dict[str, str], required: bool) -> None:
    """A deployment that forgot the variable is closed, not open."""
    assert Settings.from_environ(environ).authentication_required is required


def test_the_project_comes_by_either_name() -> None:
    """Google's, or else the Firebase CLI's."""
    assert Settings.from_environ({"GCLOUD_PROJECT": "a"}).google_cloud_project == "a"
    both = {"GCLOUD_PROJECT": "a", "GOOGLE_CLOUD_PROJECT": "b"}
    assert Settings.from_environ(both).google_cloud_project == "b"


def test_in_the_cloud_the_worker_is_opened_by_the_projects_own_account() -> None:
    """The one that `deploy/bootstrap` makes, unless another is set."""
    cloud = {**CLOUD, "GCLOUD_PROJECT": "a"}
    assert Settings.from_environ(cloud).worker_service_account == "task-invoker@a.iam.gserviceaccount.com"
    other = {**cloud, "WORKER_SERVICE_ACCOUNT": "other@a.iam.gserviceaccount.com"}
    assert Settings.from_environ(other).worker_service_account == "other@a.iam.gserviceaccount.com"
    assert Settings.from_environ({"GCLOUD_PROJECT": "a"}).worker_service_account is None


def test_in_the_cloud_the_sweep_is_opened_by_the_schedulers_account() -> None:
    """The one of the job that `deploy/bootstrap` makes, with the audience that the job's tokens have."""
    settings = Settings.from_environ({"K_SERVICE": "sweep", "GCLOUD_PROJECT": "a", "DEFAULT_ALLOWANCE": "20"})
    assert settings.sweep_service_account == "scheduler-invoker@a.iam.gserviceaccount.com"
    assert settings.sweep_address == "https://us-central1-a.cloudfunctions.net/sweep"
    assert Settings.from_environ({"GCLOUD_PROJECT": "a"}).sweep_service_account is None


def test_lists_are_separated_by_commas() -> None:
    """Blanks and empty parts do not count."""
    settings = Settings.from_environ({"CORS_ORIGINS": " https://a.example ,, https://b.example,"})
    assert settings.cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize("value", ["many", "-1", "0", "1.5"])
def test_a_value_that_does_not_fit_is_told_by_its_variable(value: str) -> None:
    """At the start, and not at the first request that needs it."""
    with pytest.raises(ValidationError, match="CHAT_MAX_ATTEMPTS"):
        Settings.from_environ({"CHAT_MAX_ATTEMPTS": value})


@pytest.mark.parametrize(
    "slip", [{"APP_ENV": "production"}, {"APP_ENV": "Firebase"}, {"FIREBASE_AUTH_EMULATOR_HOST": "localhost:9099"}]
)
def test_in_the_cloud_a_slip_does_not_open_the_doors(slip: dict[str, str]) -> None:
    """The function does not start."""
    with pytest.raises(ValueError, match=next(iter(slip))):
        Settings.from_environ({**CLOUD, **slip})


def test_private_addresses_stay_closed_in_the_cloud() -> None:
    """The setting that opens them is for local work, and refused where others run their code."""
    with pytest.raises(ValueError, match="OUTBOUND_ALLOWED_HOSTS"):
        Settings.from_environ({**CLOUD, "OUTBOUND_ALLOWED_HOSTS": "localhost"})
    assert Settings.from_environ({"OUTBOUND_ALLOWED_HOSTS": "localhost, 127.0.0.1"}).outbound_allowed_hosts == (
        "localhost",
        "127.0.0.1",
    )


@pytest.mark.parametrize("unset", [{}, {"DEFAULT_ALLOWANCE": " "}])
def test_in_the_cloud_the_operator_says_what_users_may_spend(unset: dict[str, str]) -> None:
    """Somebody pays for it: the function does not start, and says what to set. Locally it is $100."""
    for name in ("chat", "meta"):
        with pytest.raises(ValueError, match=r"DEFAULT_ALLOWANCE has no default in the cloud: set .*\.env\.<project>"):
            Settings.from_environ({"K_SERVICE": name, **unset})
    assert Settings.from_environ({"K_SERVICE": "chat", "FUNCTIONS_EMULATOR": "true"}).default_allowance == 100
    assert Settings.from_environ({**CLOUD, "DEFAULT_ALLOWANCE": "0"}).default_allowance == 0


@pytest.mark.parametrize("value", ["weekly", "Monthly", "1"])
def test_money_comes_back_monthly_or_never(value: str) -> None:
    """Another calendar is refused by its variable's name."""
    with pytest.raises(ValidationError, match="ALLOWANCE_REFILL"):
        Settings.from_environ({"ALLOWANCE_REFILL": value})
