"""Users and their money: profiles, allowances, the ledger, and the budgets of what is charged to them."""
