"""Creates services for the functions, with their dependencies and one database.

There is a module for each group of services, because a function is deployed with only the modules that it imports.
Functions import these modules when they are first used, as most requests run no code and call no model.
"""
