"""Survival checks (生存认证): whoever draws a running benefit is asked now and then, in the way that suits them."""
