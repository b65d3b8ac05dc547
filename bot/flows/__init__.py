"""What the bot does: one file per duty, each gathering, deciding and applying in straight lines."""
