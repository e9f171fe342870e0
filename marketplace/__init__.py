"""The house: rooms from accounts to decisions, the web application and the command line around them."""
