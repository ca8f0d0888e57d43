"""What an auditor gets who has nothing of ours: one zip with everything, and a script that checks it."""
