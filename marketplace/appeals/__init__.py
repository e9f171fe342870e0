"""Appeals and complaints about a decision or a deed, and reports of demanded favours, each with a clock."""
