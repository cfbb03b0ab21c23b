"""The dashboard, the alerts and the log-based metrics match the log lines that the service writes."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.chat import ChatRequest
from shared.models.ticket import Ticket
from shared.services.chat.sweep import SweepService
from shared.settings import Settings
from tests.conftest import Lines
from tests.database_data import store
from tests.deploy.log_entries import entry_of, extract, matches
from tests.doubles.model_server import Answer, ModelServer
from tests.services.harness import Harness, chat

FOLDER = Path(__file__).parents[2] / "deploy" / "monitoring"
METRICS = sorted(FOLDER.glob("log-metrics/*.yaml"))
ALERTS = sorted(FOLDER.glob("alerts/*.yaml"))
GOOGLE_METRICS = {
    "run.googleapis.com/request_count": {"response_code", "response_code_class"},
    "run.googleapis.com/request_latencies": {"response_code", "response_code_class"},
    "cloudtasks.googleapis.com/queue/depth": set[str](),
    "cloudtasks.googleapis.com/queue/task_attempt_count": {"response_code"},
    "cloudtasks.googleapis.com/queue/task_attempt_delays": set[str](),
}
"""The metrics that Google Cloud writes, with their labels. https://cloud.google.com/monitoring/api/metrics_gcp"""
RESOURCE_LABELS = {
    "cloud_run_revision": {"project_id", "location", "service_name", "revision_name", "configuration_name"},
    "cloud_tasks_queue": {"project_id", "location", "queue_id", "target_type"},
}


def read(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)


def stem(path: Path) -> str:
    return path.stem


def known_metrics() -> dict[str, set[str]]:
    """Returns the metrics of Google and of the service, with their labels."""
    service_metrics = {
        f"logging.googleapis.com/user/{metric['name']}": set(metric.get("labelExtractors", {}))
        for metric in map(read, METRICS)
    }
    return {**GOOGLE_METRICS, **service_metrics}


def in_promql(metric: str) -> str:
    """Returns the metric's name in PromQL. https://cloud.google.com/monitoring/promql/promql-mapping"""
    domain, path = metric.split("/", 1)
    return f"{domain.replace('.', '_')}:{re.sub('[^A-Za-z0-9]', '_', path)}"


def strings_in(value: Any) -> Iterator[tuple[str, str]]:
    """Yields all strings in a document, each with its field's name."""
    if isinstance(value, dict):
        for name, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            yield from ([(str(name), item)] if isinstance(item, str) else strings_in(item))
    elif isinstance(value, list):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            yield from strings_in(item)


async def entries(harness: Harness, caller: Caller, model_server: ModelServer, lines: Lines) -> list[Any]:
    """Returns the log entries of a charged chat and of a sweep of two stuck tickets."""
    now = datetime.now(UTC)
    model_server.script("hi", Answer("hello", prompt_tokens=1000, completion_tokens=1000))
    await harness.deliver((await harness.chat.submit(caller, chat("hi"))).ticket_id)
    chat_entries = [entry_of(line, "worker") for line in lines()]
    request = ChatRequest.model_validate(
        {"messages": [{"role": "user", "content": "hi"}], "provider": "p", "model": "m"}
    )
    for name, age in (("stuck", timedelta(minutes=10)), ("old", timedelta(days=1))):
        created_at = now - age
        ticket = Ticket(id=name, owner="u", provider="p", model="m", created_at=created_at, updated_at=created_at)
        await store(harness.database, ticket, request)
    await SweepService(harness.database, harness.queue, harness.settings).sweep()
    return [*chat_entries, *(entry_of(line, "sweep") for line in lines())]


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings, catalog)


@pytest.mark.parametrize(
    ("name", "values", "labels"),
    [
        ("agents_charges", 1, [{"provider": "openai", "model": "gpt-4.1-mini"}]),
        ("agents_swept_tickets", 0, [{"outcome": "ended"}, {"outcome": "requeued"}]),
        ("agents_swept_ticket_age", 2, [{}, {}]),
        ("agents_sweeps", 0, [{}]),
        ("agents_faults", 0, [{"logger": "agents.sweep"}]),
    ],
)
async def test_a_metric_matches_its_log_lines(
    harness: Harness,
    caller: Caller,
    model_server: ModelServer,
    lines: Lines,
    name: str,
    values: int,
    labels: list[dict[str, str]],
) -> None:
    """A metric matches exactly the lines that the service writes for it, and extracts their values and labels."""
    metric = read(FOLDER / "log-metrics" / f"{name}.yaml")
    log = await entries(harness, caller, model_server, lines)
    matching = [entry for entry in log if matches(metric["filter"], entry)]
    extractors = metric.get("labelExtractors", {})
    labeled = [{label: extract(extractor, entry) for label, extractor in extractors.items()} for entry in matching]
    assert sorted(labeled, key=str) == sorted(labels, key=str)
    if "valueExtractor" in metric:
        numbers = [extract(metric["valueExtractor"], entry) for entry in matching]
        assert len(numbers) == values
        assert all(isinstance(number, int) and number > 0 for number in numbers)


def test_every_metric_is_tested() -> None:
    """The test above has a case for every metric."""
    tested = {"agents_charges", "agents_swept_tickets", "agents_swept_ticket_age", "agents_sweeps", "agents_faults"}
    assert {path.stem for path in METRICS} == tested


@pytest.mark.parametrize("path", METRICS, ids=stem)
def test_a_log_metric_has_the_format_that_gcloud_accepts(path: Path) -> None:
    """A metric has its file's name and declares each label. It is a distribution if it extracts a value."""
    metric = read(path)
    assert set(metric) <= {
        "name",
        "description",
        "filter",
        "valueExtractor",
        "labelExtractors",
        "metricDescriptor",
        "bucketOptions",
    }
    descriptor = metric["metricDescriptor"]
    assert metric["name"] == path.stem
    assert descriptor["metricKind"] == "DELTA"
    assert descriptor["valueType"] == ("DISTRIBUTION" if "valueExtractor" in metric else "INT64")
    assert ("bucketOptions" in metric) == ("valueExtractor" in metric)
    declared = {label["key"] for label in descriptor.get("labels", [])}
    assert declared == set(metric.get("labelExtractors", {}))


@pytest.mark.parametrize("path", ALERTS, ids=stem)
def test_an_alert_has_the_format_that_gcloud_accepts(path: Path) -> None:
    """An alert explains what it means and what to do. It names no project and no notification channel."""
    policy = read(path)
    assert set(policy) == {"displayName", "combiner", "severity", "documentation", "conditions"}
    assert policy["severity"] in ("CRITICAL", "ERROR", "WARNING")
    assert policy["combiner"] == "OR"
    assert "docs/guides/observability.md" in policy["documentation"]["content"]
    assert len({condition["displayName"] for condition in policy["conditions"]}) == len(policy["conditions"])
    for condition in policy["conditions"]:
        (kind,) = set(condition) - {"displayName"}
        inner = condition[kind]
        assert re.fullmatch(r"\d+s", inner["duration"])
        if kind == "conditionThreshold":
            assert inner["comparison"] == "COMPARISON_GT"
            assert isinstance(inner["thresholdValue"], int | float)
            (aggregation,) = inner["aggregations"]
            assert int(aggregation["alignmentPeriod"].removesuffix("s")) >= 60
        else:
            assert kind == "conditionPrometheusQueryLanguage"
            assert inner["query"].count("(") == inner["query"].count(")")


def test_an_alert_on_missing_events_works_without_a_series() -> None:
    """An alert on missing events uses no threshold: before the first sweep, there is no series to compare."""
    for path in ALERTS:
        for condition in read(path)["conditions"]:
            threshold = condition.get("conditionThreshold", {})
            assert threshold.get("comparison") != "COMPARISON_LT", path.name
            query = condition.get("conditionPrometheusQueryLanguage", {}).get("query", "")
            if re.search(r"<\s*1\b", query):
                assert re.search(r"\bor absent_over_time\(", query), path.name
                assert condition["conditionPrometheusQueryLanguage"]["disableMetricValidation"] is True
    (sweep,) = read(FOLDER / "alerts" / "no-sweep.yaml")["conditions"]
    assert "absent_over_time" in sweep["conditionPrometheusQueryLanguage"]["query"]


def test_the_dashboard_has_the_format_that_gcloud_accepts() -> None:
    """The dashboard's tiles have titles, lie within the columns, and do not overlap."""
    dashboard = read(FOLDER / "dashboard.json")
    assert set(dashboard) == {"displayName", "mosaicLayout"}
    layout = dashboard["mosaicLayout"]
    occupied: set[tuple[int, int]] = set()
    for tile in layout["tiles"]:
        assert tile["widget"]["title"]
        x, y = tile.get("xPos", 0), tile.get("yPos", 0)
        assert x + tile["width"] <= layout["columns"]
        cells = {(x + dx, y + dy) for dx in range(tile["width"]) for dy in range(tile["height"])}
        assert not cells & occupied
        occupied |= cells


@pytest.mark.parametrize("path", [*ALERTS, FOLDER / "dashboard.json"], ids=stem)
def test_every_metric_that_is_used_exists(path: Path) -> None:
    """Filters and PromQL queries use only metrics of Google or of the service, and only the labels of these metrics."""
    known = known_metrics()
    suffixes = ("", "_sum", "_count", "_bucket")
    promql = {f"{in_promql(metric)}{suffix}": metric for metric in known for suffix in suffixes}
    used: set[str] = set()
    for name, text in strings_in(read(path)):
        if name in ("query", "prometheusQuery"):
            names = re.findall(r"[a-z]+_googleapis_com:\w+", text)
            assert set(names) <= set(promql)
            allowed = set[str]().union(*(known[promql[each]] for each in names), *RESOURCE_LABELS.values())
            grouped = {label.strip() for by in re.findall(r"by \(([^)]*)\)", text) for label in by.split(",")}
            selected = set(re.findall(r"(\w+)\s*=\s*\"", text)) - {"monitored_resource"}
            assert grouped | selected <= allowed
            assert text.count("{") == text.count("monitored_resource=")  # a log metric may have several resource types
            used.update(promql[each] for each in names)
        elif name == "filter" and "metric.type" in text:
            (metric,) = re.findall(r'metric\.type="([^"]+)"', text)
            (resource,) = re.findall(r'resource\.type="([^"]+)"', text)
            assert set(re.findall(r"metric\.labels\.(\w+)", text)) <= known[metric]
            assert set(re.findall(r"resource\.labels\.(\w+)", text)) <= RESOURCE_LABELS[resource]
            used.add(metric)
    assert used


def test_the_dashboard_groups_by_labels_that_exist() -> None:
    """The dashboard groups by existing labels, and each line's legend shows the label that it is grouped by."""
    known = known_metrics()
    for tile in read(FOLDER / "dashboard.json")["mosaicLayout"]["tiles"]:
        for data_set in tile["widget"].get("xyChart", {}).get("dataSets", []):
            query = data_set["timeSeriesQuery"].get("timeSeriesFilter")
            if query is None:
                continue
            groups = query["aggregation"].get("groupByFields", [])
            (metric,) = re.findall(r'metric\.type="([^"]+)"', query["filter"])
            (resource,) = re.findall(r'resource\.type="([^"]+)"', query["filter"])
            labels = {f"metric.labels.{label}" for label in known[metric]}
            labels |= {f"resource.labels.{label}" for label in RESOURCE_LABELS[resource]}
            assert set(groups) <= labels
            assert [data_set.get("legendTemplate")] == ([f"${{{group}}}" for group in groups] or [None])


def test_every_log_metric_is_used() -> None:
    """Each log-based metric is used by a panel or an alert, because an unused metric costs money without a benefit."""
    text = (FOLDER / "dashboard.json").read_text() + "".join(path.read_text() for path in ALERTS)
    assert [path.stem for path in METRICS if path.stem not in text] == []


async def test_the_logs_panel_shows_internal_errors(
    harness: Harness, caller: Caller, model_server: ModelServer, lines: Lines
) -> None:
    """The logs panel shows the service's error lines and nothing else."""
    (panel,) = [
        tile["widget"]["logsPanel"]
        for tile in read(FOLDER / "dashboard.json")["mosaicLayout"]["tiles"]
        if "logsPanel" in tile["widget"]
    ]
    log = await entries(harness, caller, model_server, lines)
    assert {entry["severity"] for entry in log if matches(panel["filter"], entry)} == {"ERROR"}


def test_the_commands_name_existing_files() -> None:
    """The README's commands use existing paths, and no file contains a project's name."""
    readme = (FOLDER / "README.md").read_text()
    for needed in ("log-metrics/*.yaml", "alerts/*.yaml", "dashboard.json", "--notification-channels"):
        assert needed in readme
    for path in [*METRICS, *ALERTS, FOLDER / "dashboard.json"]:
        assert "projects/" not in path.read_text()
