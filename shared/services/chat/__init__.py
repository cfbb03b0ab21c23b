"""Chat: submits, answers and withdraws tickets, manages turns, and takes up tickets and holds that were left behind."""
