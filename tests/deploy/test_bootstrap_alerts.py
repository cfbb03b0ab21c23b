"""Whom the alerts tell that `deploy/bootstrap` makes, and brings up to date."""

import pytest

from tests.deploy.bootstrapped import Cloud

pytestmark = pytest.mark.long


def channels(cloud: Cloud) -> set[str]:
    """Of all alerts."""
    return {alert["channels"] for alert in cloud.project["alerts"].values()}


def test_a_run_without_an_address_keeps_who_is_told(again: Cloud) -> None:
    """Whatever the channels are, and who made them: an alert's file names none."""
    again.project["alerts"]["The sweep does not run"]["channels"] = "channels/1,channels/pager"
    before = {name: alert["channels"] for name, alert in again.project["alerts"].items()}
    ran = again.run("--yes")
    assert ran.code == 0, ran.output
    assert {name: alert["channels"] for name, alert in again.project["alerts"].items()} == before


def test_an_alert_that_was_switched_off_stays_so(again: Cloud) -> None:
    """And one whose channels were taken away stays silent; the others stay as they are."""
    again.project["alerts"]["Chats are stuck"] |= {"enabled": "False", "channels": ""}
    ran = again.run("--yes")
    assert ran.code == 0, ran.output
    assert again.project["alerts"]["Chats are stuck"] == {"enabled": "False", "channels": ""}
    assert {alert["enabled"] for alert in again.project["alerts"].values()} == {"True", "False"}


def test_a_new_alert_tells_who_is_on_call(again: Cloud) -> None:
    """Also when the address is not told again: it was refused in the run that was told."""
    del again.project["alerts"]["Models cost more than expected"]
    ran = again.run("--yes")
    assert ran.code == 0, ran.output
    assert channels(again) == {"channels/1"}


def test_another_address_is_told_as_well(again: Cloud) -> None:
    """By every alert, and once however often it is given; nobody else is taken off."""
    for _ in range(2):
        ran = again.run("--yes", "--alert-email", "new@example.com")
        assert ran.code == 0, ran.output
        assert again.project["channels"] == {"channels/1": "oncall@example.com", "channels/2": "new@example.com"}
        assert channels(again) == {"channels/1,channels/2"}


def test_a_channel_that_is_not_listed_at_once_is_used(cloud: Cloud) -> None:
    """Its name is in the answer to its making."""
    cloud.change(unlisted=["channels"])
    ran = cloud.run("--yes", "--alert-email", "oncall@example.com")
    assert ran.code == 0, ran.output
    assert channels(cloud) == {"channels/1"}


def test_without_anybody_to_tell_alerts_are_made_all_the_same(cloud: Cloud) -> None:
    """The console shows them."""
    ran = cloud.run("--yes")
    assert ran.code == 0, ran.output
    assert channels(cloud) == {""}


def test_alerts_that_are_refused_are_told_and_the_rest_is_done(cloud: Cloud) -> None:
    """A new metric is not known to alerts at once."""
    cloud.change(faults=["alerts/spend.yaml"])
    ran = cloud.run("--yes")
    assert ran.code == 1
    assert "These alerts were refused: deploy/monitoring/alerts/spend.yaml" in ran.output
    assert list(cloud.project["dashboards"]) == ["Agents"]
