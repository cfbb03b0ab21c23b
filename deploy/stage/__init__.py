"""Stages the functions: for each one, writes a folder that can be deployed alone, `build/functions/<name>/`.

`python -m deploy.stage` (`make stage`) stages all functions or the named ones. `sources` finds the files of `shared/`
that a function needs, `requirements` finds the packages that it installs, and `folder` writes its folder.
"""
