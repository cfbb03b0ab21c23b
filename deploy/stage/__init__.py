"""Stages the functions: makes of each a folder that can be deployed alone, `build/functions/<name>/`.

`python -m deploy.stage` (`make stage`) does it for all, or for those that are named. What of `shared/` a function needs
is in `sources`, what it installs in `requirements`, how a folder is written in `folder`.
"""
