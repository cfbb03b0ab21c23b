"""Chat: submitting a ticket, answering it, taking turns, withdrawing it, and sweeping up what was left behind."""
