"""Real servers that stand in for outside services, controlled by scripts."""
