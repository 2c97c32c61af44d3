"""The exception for errors that the user can fix, and messages for all other errors."""

_OUT_OF_MEMORY = ("allocate memory", "out of memory", "STATUS_ALLOC_FAILED")
"""Parts of the messages by which the CPU, a GPU and the GPU's libraries (cuBLAS, cuDNN) report that memory ran out."""
_OF_A_GPU = ("CUDA", "CUBLAS", "CUDNN", "HIP", "MPS")
"""Parts of these messages if the memory is that of a GPU."""


class UserError(Exception):
    """An error that the user can fix. Its message says in one or two plain sentences what is wrong and what to do.

    The message may quote input or the content of a file, so it must be sanitised before it is shown.
    """


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out. PyTorch has no exception class for that on the CPU."""
    return (
        isinstance(error, MemoryError)
        or _has_the_class_of_a_gpu(error)
        or any(part in str(error) for part in _OUT_OF_MEMORY)
    )


def in_plain_words(error: Exception) -> str:
    """Return a message for an unexpected error."""
    if is_out_of_memory(error):
        if _is_of_a_gpu(error):
            return (
                "The GPU does not have enough memory for that. Choose fewer streams, a shorter window or fewer cells "
                "(--streams, --window, --hidden-size), or train on the CPU (--device cpu)."
            )
        return (
            "This machine does not have enough memory for that. Close other programs, or choose fewer cells, layers or "
            "streams."
        )
    if isinstance(error, OSError) and error.strerror:
        return f"The system refused: {error.strerror}{f' ({error.filename})' if error.filename else ''}."
    return f"Something went wrong that should not have ({type(error).__name__}: {error}). What was saved is safe."


def _is_of_a_gpu(error: BaseException) -> bool:
    """Return whether the memory that ran out is that of a GPU."""
    named = isinstance(error, RuntimeError) and any(part in str(error) for part in _OF_A_GPU)
    return named or _has_the_class_of_a_gpu(error)


def _has_the_class_of_a_gpu(error: BaseException) -> bool:
    """Return whether this is PyTorch's exception for the memory of a GPU, by its name: PyTorch is not imported here."""
    return any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__)
