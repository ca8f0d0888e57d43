"""Stand-ins for providers: real servers with state that run in this process, for the demo and for tests. Each judges
what it is sent by the provider's own published shapes. Nothing here is used against a real provider."""
