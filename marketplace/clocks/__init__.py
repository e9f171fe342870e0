"""Each waiting step has a limit, a holder and reminders; what a late step leads to is its own room's business."""
