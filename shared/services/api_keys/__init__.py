"""API keys: made, listed and revoked by their users, and verified in requests."""
