"""The exception for errors that the user can fix, and messages for all other errors."""


class UserError(Exception):
    """An error that the user can fix. Its message says in one or two plain sentences what is wrong and what to do.

    The message may quote input or the content of a file, so it must be sanitised before it is shown.
    """


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out. PyTorch has no exception class for that on the CPU."""
    return isinstance(error, MemoryError) or "allocate memory" in str(error) or "out of memory" in str(error)


def in_plain_words(error: Exception) -> str:
    """Return a message for an unexpected error."""
    if is_out_of_memory(error):
        return (
            "This machine does not have enough memory for that. Close other programs, or choose fewer cells, layers or "
            "streams."
        )
    if isinstance(error, OSError) and error.strerror:
        return f"The system refused: {error.strerror}{f' ({error.filename})' if error.filename else ''}."
    return f"Something went wrong that should not have ({type(error).__name__}: {error}). What was saved is safe."
