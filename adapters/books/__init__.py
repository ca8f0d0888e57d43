"""The database: one transaction per step, and what each of them writes."""
