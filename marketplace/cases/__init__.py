"""Cases: a household applies once, for everything it may be owed, and each item is followed to its end."""
