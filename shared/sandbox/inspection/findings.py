"""What a look at code finds, and the ways around it that are worth telling."""

from dataclasses import dataclass

from shared.sandbox.fast import small_modules


@dataclass(frozen=True)
class Finding:
    """`line` counts from 1. `message` tells what it is, and what to write instead.

    `syntax`: no Python that this process knows; a newer one may. `everywhere`: no engine runs it.
    """

    line: int
    message: str
    syntax: bool = False
    everywhere: bool = False

    @property
    def why_full(self) -> str:
        """Why the code is none for the fast engine."""
        what = self.message.split(". ")[0].rstrip(".")
        return f"line {self.line}: {what.replace(' here', ' in the fast engine')}"


HOST_MODULES: dict[str, frozenset[str]] = {
    "httpx": frozenset({"AsyncClient", "Timeout"}),
    "litellm": frozenset({"acompletion"}),
    "agent_factory.remote_mcp_client": frozenset({"RemoteMCPClient"}),
    "urllib.parse": frozenset(small_modules.PARSE),
    "uuid": frozenset(small_modules.UUID),
    "html": frozenset(small_modules.HTML),
    "string": frozenset(small_modules.STRING),
}
"""What we hand in beside the engine's own modules: `shared.sandbox.fast.world`. A test holds the two together."""
FULL_HOST_MODULES: dict[str, frozenset[str]] = {
    "httpx": frozenset(
        (
            *("AsyncClient", "Timeout", "Response", "Request", "Headers", "HTTPError", "HTTPStatusError"),
            *("TransportError", "TimeoutException", "ConnectTimeout", "ReadTimeout", "NetworkError", "ConnectError"),
            *("RequestError", "ReadError", "InvalidURL"),
        )
    ),
    "litellm": frozenset({"acompletion"}),
    "agent_factory.remote_mcp_client": frozenset({"RemoteMCPClient"}),
}
"""The same of the full engine, beside the real standard library: `shared.sandbox.full.guest.world`."""
WAYS_AROUND = {
    "requests": "Use `http_client` or `httpx.AsyncClient()`, with `await`.",
    "aiohttp": "Use `http_client` or `httpx.AsyncClient()`, with `await`.",
    "openai": "Use `await call_llm(...)` or `await litellm.acompletion(...)`.",
    "anthropic": "Use `await call_llm(...)` or `await litellm.acompletion(...)`.",
    "logging": "Use `print(...)`: what is printed comes with the result.",
    "collections.abc": "Leave the annotation out, or use `typing`.",
    "enum": "Use constants.",
    "statistics": "Compute with `sum`, `len`, `sorted` and `math`.",
    "textwrap": "Work on the text with `splitlines` and `join`.",
    "io": "Collect text in a list, and `''.join` it.",
    "asyncio.wait_for": "Give the call itself a `timeout`.",
    "asyncio.create_task": "Hand the coroutines to `asyncio.gather`.",
    "asyncio.TimeoutError": "It is `TimeoutError`.",
    "asyncio.Semaphore": "Work through the items in slices, each with `asyncio.gather`.",
    "datetime.datetime.utcnow": "Use `datetime.now(timezone.utc)`.",
    "datetime.datetime.fromtimestamp": "Add `timedelta(seconds=…)` to `datetime(1970, 1, 1, tzinfo=timezone.utc)`.",
    "collections.OrderedDict": "A dict keeps its order.",
    "functools.wraps": "Leave it out.",
    "httpx.get": "Use `await http_client.get(...)`.",
    "httpx.post": "Use `await http_client.post(...)`.",
    "httpx.Client": "Use `http_client` or `httpx.AsyncClient()`, with `await`.",
    "dataclasses.asdict": "Build the dict from the fields.",
    "os.environ": "There is no environment: what an agent needs is in `input_dict`.",
    "re.VERBOSE": "Write the expression in one line.",
    "litellm.completion": "Use `await litellm.acompletion(...)`.",
    "uuid.uuid4().hex": "Ids are texts here: `str(uuid.uuid4()).replace('-', '')`.",
    "callable": "Say what is called.",
    "input": "What the agent is given is in `input_dict`.",
    "super": "Classes have no bases here.",
    "ConnectionError": "Catch `OSError`, which failed connections are here.",
    "IOError": "It is `OSError`.",
}
"""By module, name, or what is taken of a module."""
