"""The production workflows, driven without a server in virtual time."""
