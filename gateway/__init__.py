"""The HTTP interface: verifies, then hands on. It decides nothing and keeps nothing."""
