"""Helpers of a household: for one day by a code, or standing by a written power (帮办代办)."""
