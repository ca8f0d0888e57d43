"""The demo's stories: whole lives of invoices, each on its own virtual clock. Nothing outside the demo imports this."""
