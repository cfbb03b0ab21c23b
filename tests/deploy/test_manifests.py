"""The functions' resources and permissions: `functions.yaml` as the Firebase CLI reads it, and the project's rules."""

import json
import subprocess
from typing import Any

import pytest

from deploy.stage.sources import Sources
from deploy.stage.staging import ROOT, runtimes
from shared.llm.catalog.access import PROVIDER_KEYS_VARIABLE
from shared.llm.catalog.data import list_provider_slugs, load_curated
from shared.sandbox.run_slots import Slots
from shared.settings import Settings

PROJECT = "demo-agents"
CALLED_BY = {"worker": {"task-invoker", "fn-chat", "fn-sweep", "fn-worker"}, "sweep": {"scheduler-invoker"}}
"""The callers of private functions. A caller of the worker may also enqueue tasks: the CLI grants both."""
QUOTA_CPUS, QUOTA_MB = 20, 40 * 1024
"""The quota of a region in a new project: `CpuAllocPerProjectRegion` 20,000 (thousandths of a CPU) and
`MemAllocPerProjectRegion` 42,949,672,960, as Cloud Run's refusals quoted them in 2026 (https://github.com/googlecodelabs/feedback/issues/1856).
They are "accounted as a sum of all in-use resources in the region", and also limit each `maxInstances`:
https://cloud.google.com/run/docs/configuring/max-instances-limits"""
PERCENT_OF_SLOTS = 70
LISTS_MODELS, CALLS_MODELS = "shared.llm.catalog", "shared.llm.completion"
NO_SECRETS = {"GOOGLE_API_KEY", "OR_API_KEY", "PERPLEXITY_API_KEY", "AWS_SESSION_TOKEN"}
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


def as_the_cli_reads(*folders: str) -> list[dict[str, Any]]:
    """Each folder's endpoints by region and name, checked and completed as the CLI does before it deploys."""
    command = ["node", "-e", _READ, PROJECT, *folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


OWN_BYTES = 10_000_000
"""The memory of an idle run: its process, and Python itself."""


@pytest.fixture(scope="module")
def endpoints() -> dict[str, dict[str, Any]]:
    names = list(runtimes())
    read = as_the_cli_reads(*(f"functions/{name}" for name in names))
    for name, regions in zip(names, read, strict=True):
        assert list(regions) == ["us-central1"]
        assert list(regions["us-central1"]) == [name], "a folder is one function, of its name"
    return {name: regions["us-central1"][name] for name, regions in zip(names, read, strict=True)}


def keys_of_providers() -> set[str]:
    """All keys that the catalog reads, except alternative names and keys that expire by themselves."""
    alternatives = [keys for slug in list_provider_slugs() for keys in load_curated(slug).api_key_env]
    return {key for keys in alternatives for key in keys.values()} - NO_SECRETS


def test_every_function_declares_its_resources(endpoints: dict[str, dict[str, Any]]) -> None:
    """Nothing is left to defaults, which differ between the CLI and the console, and change over time."""
    said = {
        "availableMemoryMb",
        "cpu",
        "concurrency",
        "timeoutSeconds",
        "minInstances",
        "maxInstances",
        "serviceAccount",
    }
    for name, endpoint in endpoints.items():
        assert said <= endpoint.keys(), name
        assert (endpoint["entryPoint"], endpoint["platform"]) == (name, "gcfv2")
        assert endpoint["minInstances"] == 0
        assert 1 <= endpoint["maxInstances"] <= 20


def test_every_function_has_its_own_account(endpoints: dict[str, dict[str, Any]]) -> None:
    """By its full address: the CLI grants secrets to exactly this text, and does not complete `fn-chat@` there."""
    for name, endpoint in endpoints.items():
        assert endpoint["serviceAccount"] == f"fn-{name}@{PROJECT}.iam.gserviceaccount.com"
        assert 6 <= len(f"fn-{name}") <= 30, "the allowed length of an account's id"


def test_only_what_browsers_reach_is_open(endpoints: dict[str, dict[str, Any]]) -> None:
    """The worker and the sweep answer only named accounts: `private` would admit none, and remove existing grants."""
    for name, endpoint in endpoints.items():
        named = {f"{account}@{PROJECT}.iam.gserviceaccount.com" for account in CALLED_BY.get(name, ())}
        assert set(endpoint["members"]) == ({f"serviceAccount:{address}" for address in named} or {"allUsers"}), name


def test_functions_that_enqueue_tasks_are_allowed_to(endpoints: dict[str, dict[str, Any]]) -> None:
    """The functions whose code uses the queue, and the account whose token the tasks carry."""
    hand_in = {name for name in endpoints if "task_queue" in (ROOT / "functions" / name / "main.py").read_text()}
    assert {f"fn-{name}" for name in hand_in} | {"task-invoker"} == CALLED_BY["worker"]


def test_a_function_sees_the_keys_that_it_uses_and_no_others(endpoints: dict[str, dict[str, Any]]) -> None:
    """The providers' keys in functions that call models; only the keys' names in functions that list models."""
    sources = Sources(ROOT)
    for name, endpoint in endpoints.items():
        modules = sources.modules(name)
        wanted = {PROVIDER_KEYS_VARIABLE} if LISTS_MODELS in modules else set[str]()
        if CALLS_MODELS in modules:
            wanted = keys_of_providers()
        if name == "admin":
            wanted = {"ADMIN_PASSWORD"}
        secrets = endpoint.get("secretEnvironmentVariables", [])
        assert {secret["key"] for secret in secrets} == wanted, name
        assert all(secret["secret"] == secret["key"] for secret in secrets)


def test_a_blank_key_counts_as_not_set() -> None:
    """So a deployment may have secrets of providers that it does not use: the CLI refuses a missing secret."""
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


def test_time_and_room_fit_the_settings(endpoints: dict[str, dict[str, Any]]) -> None:
    """Callers wait longer than the calls that they make. Functions that run agent code have memory for the most that
    four users may run at a time, and more run slots than requests, so that waiting runs block no others.
    """
    settings = Settings()
    for name, endpoint in endpoints.items():
        if name not in CALLED_BY:
            assert endpoint["timeoutSeconds"] == 60, "Hosting waits no longer"
    assert settings.run_timeout_seconds < 60
    assert endpoints["worker"]["timeoutSeconds"] == settings.worker_timeout_seconds > settings.model_timeout_seconds
    for name in ("agents", "deployments", "worker"):
        of_one = Slots(settings.runs_at_once).share
        runs = 4 * of_one * (settings.run_memory_bytes + OWN_BYTES)
        assert endpoints[name]["availableMemoryMb"] * 2**20 >= runs + 250_000_000
    for name in ("agents", "deployments"):
        assert endpoints[name]["concurrency"] < settings.runs_at_once


def test_the_worker_has_room_for_its_dispatches(endpoints: dict[str, dict[str, Any]]) -> None:
    """With a reserve: tasks that an instance refuses slow the whole queue, even after there is room again."""
    worker = endpoints["worker"]
    dispatches = worker["taskQueueTrigger"]["rateLimits"]["maxConcurrentDispatches"]
    assert 100 * dispatches <= PERCENT_OF_SLOTS * worker["maxInstances"] * worker["concurrency"]
    assert endpoints["sweep"]["maxInstances"] * endpoints["sweep"]["concurrency"] == 1
    settings = Settings()
    assert 0 < settings.model_chats_at_once <= dispatches / 4, "of one user"
    assert 0 < settings.agent_chats_at_once <= dispatches / 4


def test_a_young_project_has_room_for_all_functions_at_their_most(endpoints: dict[str, dict[str, Any]]) -> None:
    """In total, because instances of one function leave less for the others, which then cannot start.

    There is room for one more instance of any function, because a deployment starts a new one beside the old.
    """
    cpus = sum(endpoint["maxInstances"] * endpoint["cpu"] for endpoint in endpoints.values())
    memory = sum(endpoint["maxInstances"] * endpoint["availableMemoryMb"] for endpoint in endpoints.values())
    message = f"{cpus} CPUs and {memory / 1024} GiB at most: lower maxInstances of one before you raise another's"
    assert cpus + max(endpoint["cpu"] for endpoint in endpoints.values()) <= QUOTA_CPUS, message
    assert memory + max(endpoint["availableMemoryMb"] for endpoint in endpoints.values()) <= QUOTA_MB, message


def test_a_misspelt_key_fails_here(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Rather than at the first deployment."""
    folder = tmp_path_factory.mktemp("misspelt")
    text = (ROOT / "functions/users/functions.yaml").read_text()
    (folder / "functions.yaml").write_text(text.replace("maxInstances", "maximumInstances"))
    with pytest.raises(AssertionError, match="Unexpected key"):
        as_the_cli_reads(str(folder))
