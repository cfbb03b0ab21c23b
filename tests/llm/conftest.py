"""Routes all providers to the scripted server, which answers in each provider's form."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.llm.catalog import Catalog
from shared.llm.completion import complete
from shared.llm.failures import ModelFailure
from shared.llm.live import LiveCall
from shared.models.chat import ChatRequest, ChatResult
from tests.doubles.model_server import Call, ModelServer, Step

MODELS = {
    "anthropic": "claude-haiku-4-5",
    "bedrock": "us.amazon.nova-2-lite-v1:0",
    "gemini": "gemini-3.5-flash",
    "openai": "gpt-4.1-mini",
    "openrouter": "openai/gpt-5-mini",
    "perplexity": "sonar",
    "local": "smollm2-135m-instruct",
    "ollama": "llama3.2",
}


class Providers:
    """Calls models through the catalog. Each call uses one step of the script."""

    def __init__(self, catalog: Catalog, server: ModelServer) -> None:
        self.catalog = catalog
        self.server = server

    async def ask(
        self, provider: str, step: Step, *, seconds: float = 10, live: LiveCall | None = None, **fields: Any
    ) -> ChatResult:
        """Returns the result for the prompt "hi"."""
        model = fields.pop("model", MODELS[provider])
        chat = {"messages": [{"role": "user", "content": "hi"}], "provider": provider, "model": model, **fields}
        self.server.script("hi", step)
        return await complete(self.catalog.route(provider, model), ChatRequest.model_validate(chat), seconds, live)

    async def failure(self, provider: str, step: Step, *, seconds: float = 10, **fields: Any) -> ModelFailure:
        """Returns the failure for the prompt "hi"."""
        with pytest.raises(ModelFailure) as raised:
            await self.ask(provider, step, seconds=seconds, **fields)
        for word in ("litellm", "drop_params", "github.com", "traceback"):
            assert word not in raised.value.message.lower()
        return raised.value

    @property
    def call(self) -> Call:
        """The only call that the server received."""
        (call,) = self.server.calls
        return call

    def cost(self, provider: str, prompt: float, completion: float, model: str | None = None) -> float:
        """Returns the cost of these tokens in US dollars."""
        prices = self.catalog.get_model(provider, model or MODELS[provider]).prices
        assert prices is not None
        return (prompt * prices.input + completion * prices.output) / 1_000_000


Ask = Callable[..., Awaitable[ChatResult]]


@pytest.fixture
def providers(environ: dict[str, str], model_server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Providers:
    monkeypatch.setenv("AWS_BEDROCK_RUNTIME_ENDPOINT", model_server.address)
    keys = {
        "ANTHROPIC_API_KEY": "sk-ant-test-0123456789abcdef",
        "ANTHROPIC_BASE_URL": model_server.address,
        "GEMINI_API_KEY": "AIza-test-0123456789abcdef",
        "GEMINI_API_BASE": model_server.address,
        "OPENROUTER_API_KEY": "sk-or-test-0123456789abcdef",
        "OPENROUTER_API_BASE": model_server.base_url,
        "PERPLEXITY_API_KEY": "pplx-test-0123456789abcdef",
        "PERPLEXITY_API_BASE": model_server.address,
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION_NAME": "us-east-1",
        "OLLAMA_API_BASE": model_server.address,
    }
    return Providers(Catalog.load({**environ, **keys}), model_server)
