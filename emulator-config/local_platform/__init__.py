"""The service on a developer's machine: what it needs is installed, started, watched and ended here.

`setup.py` beside this package installs (standard library only), `run.py` is what `make run` starts. Tests take
`suite.Suite` for the whole emulator suite and `firestore_emulator.firestore_emulator` for Firestore alone.
Modules that set-up imports must not import third-party packages.
"""
