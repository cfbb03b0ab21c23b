"""Suggests alternatives to modules and names that agents' Python lacks, or that do not work in it."""

_CLIENT = "Use `http_client` or `httpx.AsyncClient()`, with `await`."
_MODELS = "Use `await call_llm(...)` or `await litellm.acompletion(...)`."
_INPUT = "The agent's input is in `input_dict`."
ALTERNATIVES = {
    "requests": _CLIENT,
    "aiohttp": _CLIENT,
    "urllib3": _CLIENT,
    "openai": _MODELS,
    "anthropic": _MODELS,
    "numpy": "Use lists, and the modules `math`, `statistics` and `itertools`.",
    "pandas": "Use lists of dicts, and the modules `csv`, `statistics` and `itertools`.",
    "pydantic": "Use `dataclasses`.",
    "bs4": "Use `html.parser`.",
    "lxml": "Use `xml.etree.ElementTree`.",
    "yaml": "Use `json`.",
    "dateutil": "Use `datetime` and `zoneinfo`.",
    "pytz": "Use `zoneinfo`.",
    "dotenv": _INPUT,
    "httpx.get": "Use `await http_client.get(...)`.",
    "httpx.post": "Use `await http_client.post(...)`.",
    "httpx.Client": _CLIENT,
    "litellm.completion": "Use `await litellm.acompletion(...)`.",
    "input": _INPUT,
}
"""The alternatives, by module, name, or attribute of a module."""

_NO_SOCKETS = f"Sockets are not available here. {_CLIENT}"
_NO_THREADS = (
    "Threads are not available here. Use `asyncio.gather` for calls that wait; threads would not speed up computations."
)
_NO_PROCESSES = "Processes are not available here."
_NO_OPENSSL = "This needs OpenSSL, which is not available here. The digests of `hashlib` and the module `hmac` work."
UNUSABLE_FUNCTIONS = {
    **dict.fromkeys(
        (
            *("socket.socket", "socket.create_connection", "socket.create_server", "urllib.request.urlopen"),
            *("urllib.request.urlretrieve", "http.client.HTTPConnection", "http.client.HTTPSConnection"),
            *("smtplib.SMTP", "smtplib.SMTP_SSL", "ftplib.FTP", "imaplib.IMAP4", "imaplib.IMAP4_SSL", "poplib.POP3"),
            *("asyncio.open_connection", "asyncio.start_server", "xmlrpc.client.ServerProxy"),
        ),
        _NO_SOCKETS,
    ),
    **dict.fromkeys(
        (
            *("threading.Thread", "threading.Timer", "concurrent.futures.ThreadPoolExecutor", "asyncio.to_thread"),
            *("concurrent.futures.ProcessPoolExecutor",),
        ),
        _NO_THREADS,
    ),
    **dict.fromkeys(
        (
            *("subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_call"),
            *("subprocess.check_output", "subprocess.getoutput", "os.system", "os.popen", "os.fork", "os.execv"),
            *("asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"),
            *("multiprocessing.Process", "multiprocessing.Pool", "multiprocessing.Manager"),
        ),
        _NO_PROCESSES,
    ),
    **dict.fromkeys(("hashlib.pbkdf2_hmac", "hashlib.scrypt"), _NO_OPENSSL),
}
"""The functions and classes of the standard library that always fail here, with explanations."""
