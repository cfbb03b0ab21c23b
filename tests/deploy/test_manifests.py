"""The resources and permissions in each `functions.yaml`, as the Firebase CLI reads them, are consistent."""

import json
import subprocess
from typing import Any

import pytest

from deploy.stage.sources import Sources
from deploy.stage.staging import ROOT, runtimes
from shared.llm.catalog.access import PROVIDER_KEYS_VARIABLE
from shared.llm.catalog.data import list_provider_slugs, load_curated
from shared.sandbox.run_slots import Slots
from shared.services.chat import agent_calls, feeds
from shared.settings import Settings
from shared.web import mcp_response, sse
from tests.deploy.bootstrapped import account_of

PROJECT = "demo-agents"
CALLED_BY = {
    "worker": {"task-invoker", "fn-chat", "fn-deployments", "fn-mcp", "fn-openai", "fn-runs", "fn-sweep", "fn-worker"},
    "sweep": {"scheduler-invoker"},
}
"""The callers of private functions. A caller of the worker may also enqueue tasks: the CLI grants both."""
QUOTA_CPUS, QUOTA_MB = 20, 40 * 1024
"""A new project's quota in a region: `CpuAllocPerProjectRegion` 20,000 (thousandths of a CPU) and
`MemAllocPerProjectRegion` 42,949,672,960, as Cloud Run's refusals quoted them in 2026 (https://github.com/googlecodelabs/feedback/issues/1856).
The quotas are "accounted as a sum of all in-use resources in the region", and also limit each `maxInstances`:
https://cloud.google.com/run/docs/configuring/max-instances-limits"""
PERCENT_OF_SLOTS = 70
CATALOG_MODULE, COMPLETION_MODULE = "shared.llm.catalog", "shared.llm.completion"
KEYS_WITHOUT_SECRET = {"GOOGLE_API_KEY", "OR_API_KEY", "PERPLEXITY_API_KEY", "AWS_SESSION_TOKEN"}
_READ = """
const lib = process.cwd() + "/node_modules/firebase-tools/lib/deploy/functions/";
const { detectFromYaml } = require(lib + "runtimes/discovery");
const { resolveBackend } = require(lib + "build");
const { endpointsAreValid } = require(lib + "validate");
const { empty } = require(lib + "backend");
const { getInvokerMembers } = require(process.cwd() + "/node_modules/firebase-tools/lib/gcp/proto");
const [project, ...folders] = process.argv.slice(1);
const read = async (folder) => {
  const build = await detectFromYaml(folder, project, "python311");
  const common = { firebaseConfig: { projectId: project }, userEnvs: {}, nonInteractive: true, isEmulator: false };
  const { backend } = await resolveBackend({ build, codebase: "any", resolveRegions: async () => {}, ...common });
  endpointsAreValid(backend, empty());
  for (const endpoint of Object.values(backend.endpoints).flatMap(Object.values)) {
    endpoint.members = getInvokerMembers((endpoint.httpsTrigger || endpoint.taskQueueTrigger).invoker, project);
  }
  return backend.endpoints;
};
Promise.all(folders.map(read)).then(
  (all) => console.log(JSON.stringify(all)),
  (error) => { console.error(error.message, (error.children || []).map(String)); process.exitCode = 1; },
);
"""


def read_with_cli(*folders: str) -> list[dict[str, Any]]:
    """Returns each folder's endpoints by region and name, checked and completed as by the CLI before a deployment."""
    command = ["node", "-e", _READ, PROJECT, *folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


IDLE_RUN_BYTES = 10_000_000
"""The memory that an idle run uses for its process and Python."""


@pytest.fixture(scope="module")
def endpoints() -> dict[str, dict[str, Any]]:
    names = list(runtimes())
    read = read_with_cli(*(f"functions/{name}" for name in names))
    for name, regions in zip(names, read, strict=True):
        assert list(regions) == ["us-central1"]
        assert list(regions["us-central1"]) == [name], "a folder contains one function, with the folder's name"
    return {name: regions["us-central1"][name] for name, regions in zip(names, read, strict=True)}


def provider_keys() -> set[str]:
    """Returns all keys that the catalog reads, except alternative names and expiring keys."""
    alternatives = [keys for slug in list_provider_slugs() for keys in load_curated(slug).api_key_env]
    return {key for keys in alternatives for key in keys.values()} - KEYS_WITHOUT_SECRET


def test_every_function_declares_its_resources(endpoints: dict[str, dict[str, Any]]) -> None:
    """No resource has a default value: defaults differ between the CLI and the console, and change over time."""
    required = {
        "availableMemoryMb",
        "cpu",
        "concurrency",
        "timeoutSeconds",
        "minInstances",
        "maxInstances",
        "serviceAccount",
    }
    for name, endpoint in endpoints.items():
        assert required <= endpoint.keys(), name
        assert (endpoint["entryPoint"], endpoint["platform"]) == (name, "gcfv2")
        assert endpoint["minInstances"] == 0
        assert 1 <= endpoint["maxInstances"] <= 20


def test_every_function_has_a_separate_account(endpoints: dict[str, dict[str, Any]]) -> None:
    """Each function specifies its account's full address, because the CLI does not expand `fn-chat@` for secrets."""
    for name, endpoint in endpoints.items():
        assert endpoint["serviceAccount"] == f"{account_of(name)}@{PROJECT}.iam.gserviceaccount.com"
        assert 6 <= len(account_of(name)) <= 30, "the length that Google allows for an account's id"


def test_only_functions_for_browsers_are_public(endpoints: dict[str, dict[str, Any]]) -> None:
    """Only named accounts may call the worker and the sweep. `private` would admit none and remove existing grants."""
    for name, endpoint in endpoints.items():
        invokers = {f"{account}@{PROJECT}.iam.gserviceaccount.com" for account in CALLED_BY.get(name, ())}
        assert set(endpoint["members"]) == ({f"serviceAccount:{address}" for address in invokers} or {"allUsers"}), name


def test_functions_that_enqueue_tasks_have_the_permission(endpoints: dict[str, dict[str, Any]]) -> None:
    """Functions whose code uses the queue may enqueue tasks, as may the account whose token the tasks carry."""
    enqueuing = {name for name in endpoints if "task_queue" in (ROOT / "functions" / name / "main.py").read_text()}
    assert {account_of(name) for name in enqueuing} | {"task-invoker"} == CALLED_BY["worker"]


def test_a_function_has_only_the_secrets_that_it_uses(endpoints: dict[str, dict[str, Any]]) -> None:
    """Functions that call models have the providers' keys; functions that list models have only the keys' names."""
    sources = Sources(ROOT)
    for name, endpoint in endpoints.items():
        modules = sources.modules(name)
        expected = {PROVIDER_KEYS_VARIABLE} if CATALOG_MODULE in modules else set[str]()
        if COMPLETION_MODULE in modules:
            expected = provider_keys()
        if name == "admin":
            expected = {"ADMIN_PASSWORD"}
        secrets = endpoint.get("secretEnvironmentVariables", [])
        assert {secret["key"] for secret in secrets} == expected, name
        assert all(secret["secret"] == secret["key"] for secret in secrets)


def test_a_blank_key_counts_as_not_set() -> None:
    """A blank key counts as not set, so secrets of unused providers can be blank. The CLI refuses missing secrets."""
    from shared.llm.catalog.access import find_access

    blank = {
        key: " " for slug in list_provider_slugs() for keys in load_curated(slug).api_key_env for key in keys.values()
    }
    assert not [
        slug
        for slug in list_provider_slugs()
        if load_curated(slug).api_key_env and find_access(load_curated(slug), blank)
    ]
    assert Settings.from_environ({"ADMIN_PASSWORD": " "}).admin_password is None


def test_timeouts_and_memory_fit_the_settings(endpoints: dict[str, dict[str, Any]]) -> None:
    """A caller's timeout is longer than that of its calls, and functions that run agent code have enough memory.

    A response with events ends by itself before its function's timeout.

    The memory suffices for the maximum number of concurrent runs of four users. `agents` and `deployments` also have
    more run slots than requests, so waiting runs do not block other runs.
    """
    settings = Settings()
    for name, endpoint in endpoints.items():
        if name not in (*CALLED_BY, "chat", "mcp", "openai", "runs"):
            assert endpoint["timeoutSeconds"] == 60, "Hosting does not wait longer"
    assert sse.HOSTING_SECONDS < 60
    for name in ("chat", "mcp", "runs"):
        limit = sse.MAX_SECONDS + sse.GRACE_SECONDS
        assert endpoints[name]["timeoutSeconds"] > limit, "a response with events ends by itself"
        assert endpoints[name]["concurrency"] >= feeds.MAX_READERS + 50, "readers leave room for other requests"
    assert mcp_response.HOSTING_SECONDS < 60
    assert agent_calls.MAX_CALLS < feeds.MAX_READERS_PER_USER, "a call that has started is also waited for"
    assert settings.run_timeout_seconds < 60
    assert endpoints["worker"]["timeoutSeconds"] == settings.worker_timeout_seconds > settings.model_timeout_seconds
    for name in ("agents", "deployments", "worker"):
        share = Slots(settings.runs_at_once).share
        run_bytes = 4 * share * (settings.run_memory_bytes + IDLE_RUN_BYTES)
        assert endpoints[name]["availableMemoryMb"] * 2**20 >= run_bytes + 250_000_000
    for name in ("agents", "deployments"):
        assert endpoints[name]["concurrency"] < settings.runs_at_once


def test_the_worker_has_capacity_for_its_dispatches(endpoints: dict[str, dict[str, Any]]) -> None:
    """The worker has more capacity than dispatches, because each refused task slows the whole queue for a while."""
    worker = endpoints["worker"]
    dispatches = worker["taskQueueTrigger"]["rateLimits"]["maxConcurrentDispatches"]
    assert 100 * dispatches <= PERCENT_OF_SLOTS * worker["maxInstances"] * worker["concurrency"]
    assert endpoints["sweep"]["maxInstances"] * endpoints["sweep"]["concurrency"] == 1
    settings = Settings()
    assert 0 < settings.model_chats_at_once <= dispatches / 4, "the limit of one user"
    assert 0 < settings.agent_chats_at_once <= dispatches / 4


def test_a_new_projects_quota_suffices_for_all_functions(endpoints: dict[str, dict[str, Any]]) -> None:
    """The quota suffices for the maximum number of instances of all functions together.

    It also allows one additional instance of any function, because a deployment starts a new one next to the old one.
    """
    cpus = sum(endpoint["maxInstances"] * endpoint["cpu"] for endpoint in endpoints.values())
    memory = sum(endpoint["maxInstances"] * endpoint["availableMemoryMb"] for endpoint in endpoints.values())
    message = f"{cpus} CPUs and {memory / 1024} GiB at most: lower one maxInstances before you raise another"
    assert cpus + max(endpoint["cpu"] for endpoint in endpoints.values()) <= QUOTA_CPUS, message
    assert memory + max(endpoint["availableMemoryMb"] for endpoint in endpoints.values()) <= QUOTA_MB, message


def test_a_misspelled_key_is_found(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The tests detect a misspelled key in `functions.yaml` before a deployment would fail."""
    folder = tmp_path_factory.mktemp("misspelled")
    text = (ROOT / "functions/users/functions.yaml").read_text()
    (folder / "functions.yaml").write_text(text.replace("maxInstances", "maximumInstances"))
    with pytest.raises(AssertionError, match="Unexpected key"):
        read_with_cli(str(folder))
