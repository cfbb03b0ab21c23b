"""Runs the examples in the guides to the clients and to live answers, unchanged except for the address."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from contract.functions import ROOT
from tests.clients.conftest import Host, NodeProject, run
from tests.doubles.model_server import Answer, ModelServer

pytestmark = pytest.mark.long

GUIDES = "\n".join((ROOT / f"docs/guides/{name}.md").read_text() for name in ("clients", "live-answers"))
QUESTION = "What is the capital of Germany?"
FAILED_RUN = "ZeroDivisionError: division by zero"
PYTHON_OUTPUT = ["Berlin.", "Berlin.", f"{FAILED_RUN} ['looking']", "Says it louder. 1 None", "Berlin.\ncompleted"]
NODE_OUTPUT = ["Berlin.", f"{FAILED_RUN} [ 'looking' ]", "Says it louder. 1 null", "Berlin.\ncompleted"]


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDES, re.DOTALL)


@pytest.fixture
def address(host: Host, model_server: ModelServer) -> str:
    model_server.script(QUESTION, Answer("Berlin."))
    return f"{host().address}/api"


@pytest.mark.parametrize(("example", "expected"), list(zip(code_blocks("python"), PYTHON_OUTPUT, strict=True)))
def test_python_examples(address: str, tmp_path: Path, example: str, expected: str) -> None:
    """The Python examples print the expected output."""
    assert "connect(local_address())" in example
    program = tmp_path / "example.py"
    program.write_text(example.replace("connect(local_address())", f"connect({address!r})"))
    path = {"PYTHONPATH": str(ROOT / "clients" / "python")}
    assert run(sys.executable, program, cwd=tmp_path, environ=path).startswith(expected)


@pytest.mark.parametrize(("example", "expected"), list(zip(code_blocks("ts"), NODE_OUTPUT, strict=True)))
def test_typescript_examples(address: str, node_project: NodeProject, example: str, expected: str) -> None:
    """The TypeScript examples pass the strict compiler, and print the expected output."""
    assert "connect(localAddress())" in example
    source = example.replace("connect(localAddress())", f'connect("{address}")').replace("localAddress, ", "")
    program = node_project.compile("example", source.replace(", localAddress }", " }"))
    assert node_project.run(program).startswith(expected)


def test_python_examples_are_typed(tmp_path: Path) -> None:
    """The Python examples pass pyright in strict mode."""
    for number, example in enumerate(code_blocks("python")):
        (tmp_path / f"example_{number}.py").write_text(example)
    (tmp_path / "pyrightconfig.json").write_text(
        f'{{"typeCheckingMode": "strict", "extraPaths": ["{ROOT}/clients/python"]}}'
    )
    pyright = ROOT / "node_modules" / "pyright" / "index.js"
    completed = subprocess.run(
        ["node", pyright, "--pythonpath", sys.executable, "--project", tmp_path], capture_output=True, text=True
    )
    assert completed.returncode == 0, completed.stdout
