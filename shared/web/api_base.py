"""Finds the URL at which a web page can reach the API, from the request for the page itself."""

from shared.services.demos.page import is_origin


def find_api_base(scheme: str, host: str, forwarded_host: str | None, function: str) -> str | None:
    """Returns the base URL at which a page of `function` reaches the published agents, None if there is no valid one.

    Hosting names its own host in `X-Forwarded-Host`, and serves the API below `/api`. A function's own address serves
    only that function, and the published agents are at the address of another function. Any other host is the service's
    root.
    """
    scheme = scheme.lower()
    if forwarded_host:
        base = f"{scheme}://{forwarded_host}"
        path = "/api"
    elif host.startswith(f"{function}-") and host.endswith(".run.app"):
        base = f"{scheme}://deployments-{host.removeprefix(f'{function}-')}"
        path = ""
    else:
        base = f"{scheme}://{host}"
        path = "/deployments" if host.endswith(".cloudfunctions.net") else ""
    return f"{base}{path}" if is_origin(base) else None
