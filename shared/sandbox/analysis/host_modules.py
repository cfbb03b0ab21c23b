"""The modules that agents' Python has in addition to the standard library, and the names in them."""

HOST_MODULES: dict[str, frozenset[str]] = {
    "httpx": frozenset(
        (
            *("AsyncClient", "Timeout", "Limits", "BasicAuth", "URL", "Response", "Request", "Headers", "codes"),
            *("HTTPError", "HTTPStatusError", "RequestError", "TransportError", "TimeoutException", "ConnectTimeout"),
            *("ReadTimeout", "WriteTimeout", "PoolTimeout", "NetworkError", "ConnectError", "ReadError", "WriteError"),
            *("ProtocolError", "RemoteProtocolError", "TooManyRedirects", "DecodingError", "InvalidURL"),
        )
    ),
    "litellm": frozenset({"acompletion"}),
    "agent_factory.remote_mcp_client": frozenset({"RemoteMCPClient"}),
    "services.llm_service": frozenset({"call_llm"}),
    "services.mcp_client_service": frozenset({"RemoteMCPClient"}),
}
"""The names in each module. `shared.sandbox.guest.world` provides the modules. A test compares the two."""
