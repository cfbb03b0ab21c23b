"""Host functions that refuse every call, for code that is only loaded."""

from typing import Any, NoReturn

from shared.sandbox.inside.calls import CallFailed


class NoHostFunctions:
    """`HostFunctions` that refuse every call."""

    async def _refuse(self, *_arguments: Any, **_named: Any) -> NoReturn:
        raise CallFailed("Host functions cannot be called while the code is being loaded. Call them in `run`.")

    call_model = http = call_tool = list_tools = call_agent = _refuse
