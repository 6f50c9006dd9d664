"""A study as one page to read, print and share: report.html, which loads nothing from elsewhere."""
