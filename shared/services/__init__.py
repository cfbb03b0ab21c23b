"""Use cases, one package per subject. They depend neither on HTTP nor on the libraries for store, queue and models.

A service object is created for each request and lives until the request ends. A queue delivery and a sweep also count
as requests. State that outlives a request, such as the counts of a process, is at module level.
"""
