"""Monthly reports of a giver and of the city: counted from rows, frozen when published, each number opens its rows."""
