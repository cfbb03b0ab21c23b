"""What the functions run with: `functions.yaml` as the Firebase CLI reads it, and the rules of the project."""

import json
import subprocess
from typing import Any

import pytest

from deploy.stage.staging import ROOT, runtimes
from shared.llm.catalog.access import NAMES_OF_KEYS
from shared.llm.catalog.data import curated, provider_slugs
from shared.sandbox.slots import Slots
from shared.settings import Settings

PROJECT = "demo-agents"
CALLED_BY = {"worker": {"task-invoker", "fn-chat", "fn-sweep", "fn-worker"}, "sweep": {"scheduler-invoker"}}
"""Whom a private function answers. Who may call the worker may also hand in tasks to its queue: the CLI grants both."""
QUOTA_CPUS, QUOTA_MB = 20, 40 * 1024
"""Of a region, in a young project: `CpuAllocPerProjectRegion` 20,000 (of a thousandth) and `MemAllocPerProjectRegion`
42,949,672,960, as Cloud Run's refusals quoted them in 2026 (https://github.com/googlecodelabs/feedback/issues/1856).
They are "accounted as a sum of all in-use resources in the region", and bound each `maxInstances` besides:
https://cloud.google.com/run/docs/configuring/max-instances-limits"""
PERCENT_OF_SLOTS = 70
ASKS_WHAT_CAN_BE_CALLED = "Catalog.load("
CALLS_MODELS = " import complete\n"
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
    """Each folder's endpoints by region and name: with all that the CLI checks before it deploys, and filled in."""
    command = ["node", "-e", _READ, PROJECT, *folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


OWN_BYTES = 10_000_000
"""What a live run takes that does nothing: of its process, and of Python's memory."""


@pytest.fixture(scope="module")
def endpoints() -> dict[str, dict[str, Any]]:
    names = list(runtimes())
    read = as_the_cli_reads(*(f"functions/{name}" for name in names))
    for name, regions in zip(names, read, strict=True):
        assert list(regions) == ["us-central1"]
        assert list(regions["us-central1"]) == [name], "a folder is one function, of its name"
    return {name: regions["us-central1"][name] for name, regions in zip(names, read, strict=True)}


def keys_of_providers() -> set[str]:
    """Of every provider: all that its catalog reads, but for second names of the same, and what expires by itself."""
    alternatives = [keys for slug in provider_slugs() for keys in curated(slug).api_key_env]
    return {key for keys in alternatives for key in keys.values()} - NO_SECRETS


def test_every_function_says_what_it_runs_with(endpoints: dict[str, dict[str, Any]]) -> None:
    """Nothing is left to defaults, which differ between the CLI, the console and the years."""
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


def test_every_function_has_an_account_of_its_own(endpoints: dict[str, dict[str, Any]]) -> None:
    """By its whole address: the CLI grants secrets to what stands here, and would not complete `fn-chat@` then."""
    for name, endpoint in endpoints.items():
        assert endpoint["serviceAccount"] == f"fn-{name}@{PROJECT}.iam.gserviceaccount.com"
        assert 6 <= len(f"fn-{name}") <= 30, "what an account's id may be long"


def test_only_what_browsers_reach_is_open(endpoints: dict[str, dict[str, Any]]) -> None:
    """The worker and the sweep answer accounts that are named: `private` would let none in, and take away others."""
    for name, endpoint in endpoints.items():
        named = {f"{account}@{PROJECT}.iam.gserviceaccount.com" for account in CALLED_BY.get(name, ())}
        assert set(endpoint["members"]) == ({f"serviceAccount:{address}" for address in named} or {"allUsers"}), name


def test_who_hands_in_tasks_may(endpoints: dict[str, dict[str, Any]]) -> None:
    """Functions whose code asks for the queue; besides them, the account whose token the tasks carry."""
    hand_in = {name for name in endpoints if "task_queue" in (ROOT / "functions" / name / "main.py").read_text()}
    assert {f"fn-{name}" for name in hand_in} | {"task-invoker"} == CALLED_BY["worker"]


def test_a_function_sees_the_keys_that_it_uses_and_no_others(endpoints: dict[str, dict[str, Any]]) -> None:
    """Those of providers where models are called, and where it is only told what can be, their names."""
    for name, endpoint in endpoints.items():
        code = (ROOT / "functions" / name / "main.py").read_text()
        wanted = keys_of_providers() if CALLS_MODELS in code else set[str]()
        if ASKS_WHAT_CAN_BE_CALLED in code and CALLS_MODELS not in code:
            wanted = {NAMES_OF_KEYS}
        if name == "admin":
            wanted = {"ADMIN_PASSWORD"}
        secrets = endpoint.get("secretEnvironmentVariables", [])
        assert {secret["key"] for secret in secrets} == wanted, name
        assert all(secret["secret"] == secret["key"] for secret in secrets)


def test_a_key_of_blanks_is_none() -> None:
    """So a deployment may have the secrets of providers that it does not use: the CLI refuses one that is missing."""
    from shared.llm.catalog.access import access

    blank = {key: " " for slug in provider_slugs() for keys in curated(slug).api_key_env for key in keys.values()}
    assert not [slug for slug in provider_slugs() if curated(slug).api_key_env and access(curated(slug), blank)]
    assert Settings.from_environ({"ADMIN_PASSWORD": " "}).admin_password is None


def test_time_and_room_fit_the_settings(endpoints: dict[str, dict[str, Any]]) -> None:
    """What waits for another waits longer; what runs agent code has the memory for all that four users may run at a
    time at their most, and more slots for small runs than requests, so that runs which wait block nobody.
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
    """With some to spare: what an instance refuses slows the whole queue, also after there is room again."""
    worker = endpoints["worker"]
    dispatches = worker["taskQueueTrigger"]["rateLimits"]["maxConcurrentDispatches"]
    assert 100 * dispatches <= PERCENT_OF_SLOTS * worker["maxInstances"] * worker["concurrency"]
    assert endpoints["sweep"]["maxInstances"] * endpoints["sweep"]["concurrency"] == 1
    settings = Settings()
    assert 0 < settings.model_chats_at_once <= dispatches / 4, "of one user"
    assert 0 < settings.agent_chats_at_once <= dispatches / 4


def test_a_young_project_has_room_for_all_functions_at_their_most(endpoints: dict[str, dict[str, Any]]) -> None:
    """In total: what one function's instances take is missing to all others, which then cannot start.

    And one instance more, of any function: a deployment starts the new beside the old.
    """
    cpus = sum(endpoint["maxInstances"] * endpoint["cpu"] for endpoint in endpoints.values())
    memory = sum(endpoint["maxInstances"] * endpoint["availableMemoryMb"] for endpoint in endpoints.values())
    told = f"{cpus} CPUs and {memory / 1024} GiB at most: lower maxInstances of one before you raise another's"
    assert cpus + max(endpoint["cpu"] for endpoint in endpoints.values()) <= QUOTA_CPUS, told
    assert memory + max(endpoint["availableMemoryMb"] for endpoint in endpoints.values()) <= QUOTA_MB, told


def test_a_misspelt_key_fails_here(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Not at the first deployment."""
    folder = tmp_path_factory.mktemp("misspelt")
    text = (ROOT / "functions/users/functions.yaml").read_text()
    (folder / "functions.yaml").write_text(text.replace("maxInstances", "maximumInstances"))
    with pytest.raises(AssertionError, match="Unexpected key"):
        as_the_cli_reads(str(folder))
