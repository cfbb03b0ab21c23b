"""Use cases, a package per subject. They know neither HTTP nor the libraries behind store, queue and models.

Services are made for each request, and live as long as it does. A delivery by the queue and a sweep are requests, too.
What outlives a request, such as the counts of a process, is at module level.
"""
