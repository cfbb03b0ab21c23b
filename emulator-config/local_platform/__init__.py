"""Runs the service on a developer's machine: installs its tools, and starts, watches and stops it.

`setup.py`, next to this package, installs the tools, and `make run` then starts `run.py`. Tests use `suite.Suite` for
the whole emulator suite and `firestore_emulator.firestore_emulator` for only Firestore. Modules that `setup.py` imports
must not import third-party packages.
"""
