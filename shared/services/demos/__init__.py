"""Saves and lists demos, and serves each as one web page."""
