"""The floors: bare functions of functions-framework, each with only what the compared function cannot do without.

Each file is a function's source with the entry point `floor`. They import nothing of this project.
"""
