"""What the service keeps: stored predictions, corrections and who reads what, in SQLite or PostgreSQL."""
