"""The commands in the documents exist, and the documented costs are correct."""

import math
import re
import shlex
from pathlib import Path

import pytest

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.settings import Settings
from shared.store import listening
from tests.deploy.gcloud_commands import flags_of
from tests.doubles.model_server import Answer, ModelServer
from tests.services.harness import Harness, chat

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/[egrt]*/*.md")), *sorted(ROOT.glob("deploy/**/*.md"))]
SHELL = [
    *DOCUMENTS[:1],
    ROOT / "docs/guides/deploy.md",
    ROOT / "docs/guides/operations.md",
    ROOT / "deploy/monitoring/README.md",
]


def find_commands(document: Path, program: str) -> list[list[str]]:
    """Returns the commands in shell blocks that run the program, including those in `$(…)` and loops."""
    text = "\n".join(re.findall(r"```sh\n(.*?)```", document.read_text(), re.DOTALL)).replace("\\\n", " ")
    inner = re.compile(r"\$\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
    lines = [*inner.sub("value", text).splitlines(), *inner.findall(text)]
    return [shlex.split(line.split(" | ")[0]) for line in lines if line.strip().startswith(f"{program} ")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_exist(document: Path) -> None:
    """Every make target in shell blocks and inline code exists."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:^|`|\s)make ([a-z]+)(?=[`\s])", "\n".join(_find_code(document)), re.MULTILINE)
    assert set(named) <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_scripts_and_modules_exist(document: Path) -> None:
    """Every `deploy/…` script, `python -m …` module and `node_modules/.bin/…` tool exists."""
    code = "\n".join(_find_code(document))
    for script in re.findall(r"(?:^|\s)(deploy/[\w/.]+) --", code):
        assert (ROOT / script).stat().st_mode & 0o111, script
    for module in re.findall(r"python3? -m ((?:deploy|bench|contract|shared)[\w.]*)", code):
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
    for tool in re.findall(r"node_modules/\.bin/([\w-]+)", code):
        assert (ROOT / "node_modules" / ".bin" / tool).exists(), tool


def test_firebase_commands_exist() -> None:
    """The installed Firebase CLI has a file for each command."""
    used = {words[1] for document in SHELL for words in find_commands(document, "node_modules/.bin/firebase")}
    assert {"deploy", "login"} <= used
    commands = ROOT / "node_modules" / "firebase-tools" / "lib" / "commands"
    assert not [name for name in used if not (commands / f"{name.replace(':', '-')}.js").exists()]


@pytest.mark.parametrize("document", SHELL[1:], ids=lambda path: path.name)
@pytest.mark.skipif(not flags_of(["secrets", "create"]), reason="gcloud is not installed")
def test_gcloud_commands_and_flags_exist(document: Path) -> None:
    """The completion data of the installed gcloud contains every command and its flags."""
    found = find_commands(document, "gcloud")
    assert found
    for words in found:
        plain = [word for word in words[1:] if not word.startswith("-")]
        if plain[:2] == ["auth", "print-access-token"]:
            continue  # hidden from completion
        known = flags_of(plain)
        assert known, " ".join(words)
        used = {word.partition("=")[0].replace("--no-", "--") for word in words if word.startswith("--")}
        assert used <= known, " ".join(words)


async def test_the_documented_firestore_costs_of_a_chat_are_correct(
    settings: Settings, catalog: Catalog, caller: Caller, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers of reads and writes match docs/guides/deploy.md. Reads of missing documents count as well.

    The worker also listens to the ticket, which costs at least one read. On a busy machine, it would read the ticket
    itself before the stream has begun.
    """
    monkeypatch.setattr(listening, "PATIENCE_SECONDS", math.inf)
    harness = Harness(settings, catalog)
    api = harness.database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    reads = writes = 0
    batch_get, commit = api.batch_get_documents, api.commit

    async def count_reads(*args: object, **kwargs: object) -> object:
        nonlocal reads
        reads += len(kwargs["request"].documents)  # pyright: ignore
        return await batch_get(*args, **kwargs)

    async def count_writes(*args: object, **kwargs: object) -> object:
        nonlocal writes
        writes += len(kwargs["request"].writes)  # pyright: ignore
        return await commit(*args, **kwargs)

    model_server.script("hi", Answer("hello", prompt_tokens=1000, completion_tokens=1000))
    api.batch_get_documents, api.commit = count_reads, count_writes
    try:
        ticket_id = (await harness.chat.submit(caller, chat("hi"))).ticket_id
        await harness.deliver(ticket_id)
        for _ in range(5):
            await harness.tickets.look_up(caller, ticket_id)
    finally:
        api.batch_get_documents, api.commit = batch_get, commit
    text = (ROOT / "docs/guides/deploy.md").read_text()
    assert f"| Firestore: reads | {reads + 1} a chat |" in text, reads
    assert f"| Firestore: writes | {writes} a chat |" in text, writes


def _find_code(document: Path) -> list[str]:
    text = document.read_text()
    return [*re.findall(r"```sh\n(.*?)```", text, re.DOTALL), *re.findall(r"`([^`\n]+)`", text)]


def test_the_cost_tables_add_up() -> None:
    """The last row of each cost table in docs/guides/deploy.md is the sum of the other rows."""
    text = (ROOT / "docs/guides/deploy.md").read_text().partition("## What it costs")[2]
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) == 2
    for table in tables:
        rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()]
        sums = [row for row in rows if row[0] == "together"]
        assert len(sums) == 1
        for column, stated in enumerate(sums[0]):
            if re.fullmatch(r"[\d.]+", stated):
                total = sum(float(row[column]) for row in rows[2:] if row[0] != "together")
                assert total == pytest.approx(float(stated), abs=0.0051), sums
