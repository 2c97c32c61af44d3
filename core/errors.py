"""The one exception for what a person can mend."""


class UserError(Exception):
    """Something a person can mend: its text says, in one or two plain sentences, what was wrong and what to do.

    It may quote what the person typed, or a file: whoever shows it sanitises it.
    """
