"""Saves and lists demo apps, and serves each as one page."""
