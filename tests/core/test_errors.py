"""The messages for errors that are not the user's, above all where memory runs out."""

import errno
import subprocess
import sys

import pytest
import torch

from core.errors import in_plain_words, is_out_of_memory

ON_A_GPU = [
    torch.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.10 GiB of which 3.00 GiB "
        "is free."
    ),
    torch.cuda.OutOfMemoryError("HIP out of memory. Tried to allocate 2.00 GiB."),
    torch.OutOfMemoryError("Allocation on device 0 would exceed allowed memory."),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("MPS backend out of memory (MPS allocated: 17.00 GB, other allocations: 1.00 GB)."),
]
ON_THE_CPU = [
    MemoryError(),
    MemoryError("Unable to allocate 8.00 TiB for an array with shape (1099511627776,) and data type float64"),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
        "allocate 4503599627370496 bytes. Error code 12 (Cannot allocate memory)"
    ),
    OSError(errno.ENOMEM, "Cannot allocate memory", "notes about CUDA.txt"),
]
OTHERS = [
    RuntimeError("CUDA error: device-side assert triggered"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    RuntimeError("Expected all tensors to be on the same device"),
]


@pytest.mark.parametrize("error", ON_A_GPU, ids=str)
def test_a_gpu_without_enough_memory_is_named_with_what_to_lower(error: Exception) -> None:
    assert is_out_of_memory(error)
    message = in_plain_words(error)
    assert message.startswith("The GPU does not have enough memory")
    for option in ("--streams", "--window", "--hidden-size", "--device cpu"):
        assert option in message


@pytest.mark.parametrize("error", ON_THE_CPU, ids=str)
def test_a_machine_without_enough_memory_is_not_called_a_gpu(error: Exception) -> None:
    assert is_out_of_memory(error)
    message = in_plain_words(error)
    assert message.startswith("This machine does not have enough memory")
    assert "--device" not in message


def test_the_error_of_a_real_allocation_on_the_cpu_is_recognised() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 50)
    assert in_plain_words(raised.value).startswith("This machine does not have enough memory")


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_another_error_of_a_gpu_keeps_its_own_words(error: Exception) -> None:
    assert not is_out_of_memory(error)
    assert str(error) in in_plain_words(error)


def test_a_refusal_of_the_system_is_shown_with_its_file() -> None:
    refused = OSError(errno.ENOSPC, "No space left on device", "model.safetensors")
    assert in_plain_words(refused) == "The system refused: No space left on device (model.safetensors)."


def test_pytorch_is_not_imported() -> None:
    code = "import sys, core.errors; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
