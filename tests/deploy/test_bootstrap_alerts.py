"""The notification channels of the alerts that `deploy/bootstrap` creates and updates."""

import pytest

from tests.deploy.bootstrapped import Cloud

pytestmark = pytest.mark.long


def channels(cloud: Cloud) -> set[str]:
    """Returns the channels of all alerts."""
    return {alert["channels"] for alert in cloud.project["alerts"].values()}


def test_a_run_without_an_address_keeps_the_channels(existing: Cloud) -> None:
    """A run without an address keeps all channels, including those that the script did not create."""
    existing.project["alerts"]["The sweep does not run"]["channels"] = "channels/1,channels/pager"
    before = {name: alert["channels"] for name, alert in existing.project["alerts"].items()}
    result = existing.run("--yes")
    assert result.code == 0, result.output
    assert {name: alert["channels"] for name, alert in existing.project["alerts"].items()} == before


def test_a_disabled_alert_stays_disabled(existing: Cloud) -> None:
    """A disabled alert without channels does not change, and neither do the other alerts."""
    existing.project["alerts"]["Chats are stuck"] |= {"enabled": "False", "channels": ""}
    result = existing.run("--yes")
    assert result.code == 0, result.output
    assert existing.project["alerts"]["Chats are stuck"] == {"enabled": "False", "channels": ""}
    assert {alert["enabled"] for alert in existing.project["alerts"].values()} == {"True", "False"}


def test_a_new_alert_notifies_the_existing_channels(existing: Cloud) -> None:
    """A new alert uses the existing channels even without `--alert-email`, as an earlier run may have failed."""
    del existing.project["alerts"]["Models cost more than expected"]
    result = existing.run("--yes")
    assert result.code == 0, result.output
    assert channels(existing) == {"channels/1"}


def test_an_additional_address_is_added(existing: Cloud) -> None:
    """A new address is added to every alert once, even if it is passed repeatedly. Other addresses remain."""
    for _ in range(2):
        result = existing.run("--yes", "--alert-email", "new@example.com")
        assert result.code == 0, result.output
        assert existing.project["channels"] == {"channels/1": "oncall@example.com", "channels/2": "new@example.com"}
        assert channels(existing) == {"channels/1,channels/2"}


def test_a_channel_that_is_not_listed_yet_is_used(cloud: Cloud) -> None:
    """The script takes a new channel's name from the create command, because lists may not contain it yet."""
    cloud.change(unlisted=["channels"])
    result = cloud.run("--yes", "--alert-email", "oncall@example.com")
    assert result.code == 0, result.output
    assert channels(cloud) == {"channels/1"}


def test_alerts_are_created_without_an_address(cloud: Cloud) -> None:
    """Without an address, alerts are created without a channel. The console still shows them."""
    result = cloud.run("--yes")
    assert result.code == 0, result.output
    assert channels(cloud) == {""}


def test_refused_alerts_are_reported_and_other_steps_completed(cloud: Cloud) -> None:
    """The script reports alerts that gcloud refuses because their metric is new, and completes all other steps."""
    cloud.change(faults=["alerts/spend.yaml"])
    result = cloud.run("--yes")
    assert result.code == 1
    assert "These alerts were refused: deploy/monitoring/alerts/spend.yaml" in result.output
    assert list(cloud.project["dashboards"]) == ["Agents"]
