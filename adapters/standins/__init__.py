"""Real servers and files that stand in for vendors, for the demo and the tests."""
