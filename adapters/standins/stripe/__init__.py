"""A Stripe of our own: `server.StandIn`. See there."""
