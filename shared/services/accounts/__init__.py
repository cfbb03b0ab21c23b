"""Users and their money: profiles, allowances, the ledger, and the budgets of runs and published agents."""
