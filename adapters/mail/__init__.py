"""Mail: the port and its adapters (`outbox`, `smtp`), the message they send (`mime`) and its words
(`render`)."""
