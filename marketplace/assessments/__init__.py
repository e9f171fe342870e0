"""Impact assessments: what a new purpose, kind of recipient or field means for people, before anything is handed on."""
