"""The portal: the start page and the home page of each kind of user, gathered from all rooms."""
