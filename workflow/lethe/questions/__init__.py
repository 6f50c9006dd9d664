"""Single items for a reader: what was asked, what was answered before and after, what was lost."""
