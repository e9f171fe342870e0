"""Appointments: services in hours or visits, who comes when, what was served, and the volunteers' register."""
