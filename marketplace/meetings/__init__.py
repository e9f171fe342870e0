"""Meetings on needs left without (会商), their sheets and duties; approval forms, household files, urgent nights."""
