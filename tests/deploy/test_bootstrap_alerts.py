"""The notification channels of the alerts that `deploy/bootstrap` creates and updates."""

import pytest

from tests.deploy.bootstrapped import Cloud

pytestmark = pytest.mark.long


def channels(cloud: Cloud) -> set[str]:
    """The channels of all alerts."""
    return {alert["channels"] for alert in cloud.project["alerts"].values()}


def test_a_run_without_an_address_keeps_the_channels(again: Cloud) -> None:
    """Even channels that the script did not create: an alert's file names none."""
    again.project["alerts"]["The sweep does not run"]["channels"] = "channels/1,channels/pager"
    before = {name: alert["channels"] for name, alert in again.project["alerts"].items()}
    ran = again.run("--yes")
    assert ran.code == 0, ran.output
    assert {name: alert["channels"] for name, alert in again.project["alerts"].items()} == before


def test_a_disabled_alert_stays_disabled(again: Cloud) -> None:
    """An alert whose channels were removed stays silent; the others do not change."""
    again.project["alerts"]["Chats are stuck"] |= {"enabled": "False", "channels": ""}
    ran = again.run("--yes")
    assert ran.code == 0, ran.output
    assert again.project["alerts"]["Chats are stuck"] == {"enabled": "False", "channels": ""}
    assert {alert["enabled"] for alert in again.project["alerts"].values()} == {"True", "False"}


def test_a_new_alert_notifies_the_existing_channels(again: Cloud) -> None:
    """Even if the address is not given again: the alert may have been refused in the run with the address."""
    del again.project["alerts"]["Models cost more than expected"]
    ran = again.run("--yes")
    assert ran.code == 0, ran.output
    assert channels(again) == {"channels/1"}


def test_another_address_is_added(again: Cloud) -> None:
    """To every alert, and only once however often it is given; no other address is removed."""
    for _ in range(2):
        ran = again.run("--yes", "--alert-email", "new@example.com")
        assert ran.code == 0, ran.output
        assert again.project["channels"] == {"channels/1": "oncall@example.com", "channels/2": "new@example.com"}
        assert channels(again) == {"channels/1,channels/2"}


def test_a_channel_that_is_not_listed_at_once_is_used(cloud: Cloud) -> None:
    """Its name is in the answer to its creation."""
    cloud.change(unlisted=["channels"])
    ran = cloud.run("--yes", "--alert-email", "oncall@example.com")
    assert ran.code == 0, ran.output
    assert channels(cloud) == {"channels/1"}


def test_alerts_are_created_without_an_address_too(cloud: Cloud) -> None:
    """The console still shows them."""
    ran = cloud.run("--yes")
    assert ran.code == 0, ran.output
    assert channels(cloud) == {""}


def test_refused_alerts_are_reported_and_the_rest_is_done(cloud: Cloud) -> None:
    """Alerts cannot use a new metric immediately."""
    cloud.change(faults=["alerts/spend.yaml"])
    ran = cloud.run("--yes")
    assert ran.code == 1
    assert "These alerts were refused: deploy/monitoring/alerts/spend.yaml" in ran.output
    assert list(cloud.project["dashboards"]) == ["Agents"]
