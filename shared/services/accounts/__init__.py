"""Users and their money: profiles, allowances, the ledger, and budgets for runs and published agents."""
