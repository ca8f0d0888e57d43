"""The outside: mail, documents and their archive, databases, providers. One folder per port, with at least
two real implementations each. Adapters get values as arguments; they never read settings, the clock or the
environment."""
