"""Runs the service on a developer's machine: installs what it needs, starts it, watches it and stops it.

`setup.py`, next to this package, installs (standard library only); `make run` then starts `run.py`. Tests use
`suite.Suite` for the whole emulator suite and `firestore_emulator.firestore_emulator` for Firestore alone. Modules that
`setup.py` imports must not import third-party packages.
"""
