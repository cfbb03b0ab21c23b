"""Use cases, a package per subject. They know neither HTTP nor the libraries behind store, queue and models.

Services are made for each request, and live as long as it does, unless their docstrings say otherwise. What outlives a
request, such as counts of a process, is at module level.
"""
