"""The command line: reads arguments, calls workers and adapters, prints. It decides nothing about invoices."""
