"""The rights of a household over its own data, one page each, and what follows when one is used."""
