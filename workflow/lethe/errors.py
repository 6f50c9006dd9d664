"""The one exception that is shown to users as a sentence instead of a traceback."""


class UserError(Exception):
    """A mistake a user can mend: says what was expected, what was found and where to mend it."""
