"""What was read aloud to a person without an own screen, and what the person said to it."""
