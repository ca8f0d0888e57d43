"""Payment providers: Stripe, or the bank alone."""
