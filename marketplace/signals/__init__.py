"""What departments tell of the register, the rules that watch it, and the alerts that people answer."""
