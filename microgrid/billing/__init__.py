"""Money: the ledger, plans, credit, payments, contracts, reconciliation and figures."""
