"""What comes in and what is stored: requests and commands (workflows may import these), tables (never)."""
