"""The OpenAI-compatible endpoints: requests become tickets, and tickets are shown in OpenAI's shapes.

Nothing here calls a model. A request is admitted like any chat (`shared.services.chat`), a worker answers it, and what
the worker writes is followed and translated.
"""
