"""Serves the Model Context Protocol over HTTP, statelessly, with the SDK.

It knows the protocol only. What the tools are, and what a call does, is up to a `ToolHost` (`model`). Import `serving`
late, because the SDK is large.
"""
