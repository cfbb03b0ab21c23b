"""Stages the functions: writes for each one a folder that can be deployed alone, `build/functions/<name>/`.

`python -m deploy.stage` (`make stage`) does it for all functions or the named ones. `sources` finds the files
of `shared/` that a function needs, `requirements` the packages that it installs, and `folder` writes its folder.
"""
