"""The one exception for what a person can mend, and words for the others."""


class UserError(Exception):
    """Something a person can mend: its text says, in one or two plain sentences, what was wrong and what to do.

    It may quote what the person typed, or a file: whoever shows it sanitises it.
    """


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out: Python's own, or PyTorch's, which has no class for it on CPU."""
    return isinstance(error, MemoryError) or "allocate memory" in str(error) or "out of memory" in str(error)


def in_plain_words(error: Exception) -> str:
    """Return a sentence for an error that nobody foresaw."""
    if is_out_of_memory(error):
        return (
            "This machine has not enough memory for that. Close other programs, or try fewer cells, layers or streams."
        )
    if isinstance(error, OSError) and error.strerror:
        return f"The system refused: {error.strerror}{f' ({error.filename})' if error.filename else ''}."
    return f"Something went wrong that should not have ({type(error).__name__}: {error}). What was saved is safe."
