"""Real servers that play a part of the outside world, by script."""
