"""The top-level modules of the standard library in agents' Python. A test compares this list with that Python."""

MODULES = frozenset(
    (
        *("abc", "annotationlib", "argparse", "array", "ast", "asyncio", "atexit", "base64", "bdb", "binascii"),
        *("bisect", "builtins", "calendar", "cmath", "cmd", "code", "codecs", "codeop", "collections"),
        *("colorsys", "compileall", "compression", "concurrent", "configparser", "contextlib", "contextvars"),
        *("copy", "copyreg", "csv", "dataclasses", "datetime", "dbm", "decimal", "difflib", "dis", "doctest"),
        *("email", "encodings", "enum", "errno", "faulthandler", "filecmp", "fileinput", "fnmatch", "fractions"),
        *("ftplib", "functools", "gc", "genericpath", "getopt", "getpass", "gettext", "glob", "graphlib", "gzip"),
        *("hashlib", "heapq", "hmac", "html", "http", "imaplib", "importlib", "inspect", "io", "ipaddress"),
        *("itertools", "json", "keyword", "linecache", "locale", "logging", "mailbox", "marshal", "math"),
        *("mimetypes", "modulefinder", "multiprocessing", "netrc", "ntpath", "nturl2path", "numbers", "opcode"),
        *("operator", "optparse", "os", "pathlib", "pdb", "pickle", "pickletools", "pkgutil", "platform"),
        *("plistlib", "poplib", "posix", "posixpath", "pprint", "pstats", "py_compile", "pyclbr", "pydoc"),
        *("pyexpat", "queue", "quopri", "random", "re", "reprlib", "rlcompleter", "runpy", "sched", "secrets"),
        *("select", "selectors", "shelve", "shlex", "shutil", "signal", "site", "smtplib", "socket"),
        *("socketserver", "sqlite3", "sre_compile", "sre_constants", "sre_parse", "stat", "statistics", "string"),
        *("stringprep", "struct", "subprocess", "symtable", "sys", "sysconfig", "tabnanny", "tarfile"),
        *("tempfile", "textwrap", "threading", "time", "timeit", "token", "tokenize", "tomllib", "trace"),
        *("traceback", "tracemalloc", "types", "typing", "unicodedata", "unittest", "urllib", "uuid", "warnings"),
        *("wave", "weakref", "wsgiref", "xml", "xmlrpc", "zipapp", "zipfile", "zipimport", "zlib", "zoneinfo"),
    )
)
