"""Webhooks: users register URLs, which are notified when their runs end or wait."""
