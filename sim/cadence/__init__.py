"""Last year's receivables, played again under other policies."""
