"""Chat: submits, answers and withdraws tickets, takes turns, and sweeps up tickets and holds that were left behind."""
