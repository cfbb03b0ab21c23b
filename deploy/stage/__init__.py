"""Stages the functions: writes a self-contained folder for each one, `build/functions/<name>/`, which can be deployed.

`python -m deploy.stage` (`make stage`) stages all functions or the named ones. `sources` finds the files of `shared/`
that a function needs, `requirements` finds the packages that it installs, and `folder` writes the files.
"""
