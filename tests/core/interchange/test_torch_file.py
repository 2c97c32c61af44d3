"""PyTorch files, which are pickles: another process reads them, whatever they contain."""

import json
import os
import pickle
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from core.errors import UserError
from core.interchange import torch_file, unpickling
from core.interchange.torch_file import convert
from core.interchange.unpickling import allowed_memory, rewrite, state_dict_in
from tests.conftest import one_of_each_kind
from tests.core.interchange.notebook import notebook, save_as
from tests.waiting import wait_until


def to_its_end(converting: Generator[None, None, None]) -> int:
    """Return how often it yielded."""
    return sum(1 for _ in converting)


def refusal(path: Path, **limits: float) -> str:
    with pytest.raises(UserError) as error:
        to_its_end(convert(path, path.with_suffix(".safetensors"), **limits))
    assert not path.with_suffix(".safetensors").exists()
    return str(error.value)


def test_another_process_reads_a_state_dict(tmp_path: Path) -> None:
    network = notebook(5)
    assert to_its_end(convert(save_as(network, tmp_path / "model.pt"), tmp_path / "out")) > 1
    found = load_file(tmp_path / "out")
    assert found.keys() == network.state_dict().keys()
    assert all(torch.equal(found[name], weight) for name, weight in network.state_dict().items())


class Malicious:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch happened",)


def test_a_malicious_pickle_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"fc.weight": Malicious()}, "model.pt")
    message = refusal(tmp_path / "model.pt")
    assert "contains more than weights (posix.system): opening it could run any program" in message
    assert 'torch.save(model.state_dict(), "model.pt")' in message
    pickle.loads(pickle.dumps(Malicious()))
    assert Path("happened").exists(), "the pickle itself is harmful"


def bomb(*parts: bytes) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


def bytearrays(count: int, size: int) -> bytes:
    """Return opcodes that make zeros: `bytearray(size)`, which PyTorch allows."""
    number = size.to_bytes(8, "little")
    return b"c__builtin__\nbytearray\n(\x8a\x08" + number + b"tR" + b"".join(
        b"c__builtin__\nbytearray\n(\x8a\x08" + number + b"tR" for _ in range(count - 1)
    )  # fmt: skip


def exponential_hash() -> bytes:
    """Return opcodes for a dict with a key that is a pair of pairs of pairs …: its hash takes 2^90 steps."""
    return b")q\x00" + b"h\x00h\x00\x86q\x00" * 90 + b"}h\x00Ns"


BOMBS = {
    "one large allocation": (bomb(bytearrays(1, 1 << 42)), "needs far more memory than a file of its size should"),
    "many allocations": (bomb(bytearrays(20, 300 << 20)), "needs far more memory than a file of its size should"),
    "deep": (bomb(b"]" + b"\x85" * 3_000_000), "is not a complete PyTorch file"),
    "no end": (bomb(exponential_hash()), "takes far longer to read than a file of its size should"),
}


@pytest.mark.parametrize("kind", one_of_each_kind(["many allocations"], BOMBS))
def test_a_pickle_that_takes_memory_or_time_is_stopped(tmp_path: Path, kind: str) -> None:
    content, expected = BOMBS[kind]
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    seconds = 10.0 if kind == "no end" else 60.0
    assert expected in refusal(path, seconds=seconds)


def test_a_process_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    path = save_as(notebook(5), tmp_path / "model.pt")
    before = {child.pid for child in psutil.Process().children()}
    assert "takes far longer to read" in refusal(path, seconds=0.01)
    wait_until(lambda: {child.pid for child in psutil.Process().children()} <= before)


def test_a_process_that_takes_too_much_memory_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_file, "_LOADED", -allowed_memory(0))  # as if the system had no limit of its own
    path = save_as(notebook(5), tmp_path / "model.pt")
    monkeypatch.setattr(unpickling, "MEMORY_FACTOR", 0)
    assert "needs far more memory" in refusal(path)


def test_a_conversion_can_be_cancelled(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children()}
    with closing(convert(save_as(notebook(5), tmp_path / "model.pt"), tmp_path / "out")) as converting:
        next(converting)
        assert {child.pid for child in psutil.Process().children()} - before
    assert {child.pid for child in psutil.Process().children()} <= before
    assert not (tmp_path / "out").exists()


def test_a_python_that_cannot_be_started_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_as(notebook(5), tmp_path / "model.pt")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    assert "no other process can be started (No such file or directory)" in refusal(path)


def test_a_process_that_dies_is_a_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_as(notebook(5), tmp_path / "model.pt")
    for answer in ("", "nonsense", "[]", '{"problem": "another", "detail": ""}'):
        program = tmp_path / "program.py"
        program.write_text(f"print({answer!r})", encoding="utf-8")
        monkeypatch.setattr(unpickling, "__file__", str(program))
        assert "is not a complete PyTorch file" in refusal(path)


@pytest.mark.thorough
def test_the_program_imports_nothing_of_this_project(tmp_path: Path) -> None:
    path = save_as(notebook(5), tmp_path / "model.pt")
    code = (
        "import runpy, sys; sys.argv[1:] = sys.argv[2:]; runpy.run_path(sys.argv[0], run_name='__main__'); "
        "print([name for name in sys.modules if name.partition('.')[0] in ('core', 'charlstm_tui')])"
    )
    code = f"import sys; sys.argv = [{unpickling.__file__!r}, '', *sys.argv[1:]]; " + code
    program = [sys.executable, "-P", "-c", code, str(path), str(tmp_path / "out"), "60"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(".")
        process.stdin.flush()
        answer, modules = process.stdout.read().splitlines()
    assert json.loads(answer) == {"problem": "", "detail": ""}
    assert modules == "[]"


@pytest.mark.thorough
@pytest.mark.parametrize("begins", [True, False])
def test_the_program_ends_when_its_parent_has_forgotten_it(tmp_path: Path, begins: bool) -> None:
    path = tmp_path / "model.pt"
    os.mkfifo(path)  # reading it has no end
    program = [sys.executable, "-P", unpickling.__file__, str(path), str(tmp_path / "out"), "60"]
    process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write(b"." if begins else b"")
    process.stdin.close()
    assert process.wait(60) == 1


# --- what the program accepts; here in this process, which the files do not harm


def problem(path: Path) -> tuple[str, str]:
    found = rewrite(path, path.with_suffix(".safetensors"))
    assert not path.with_suffix(".safetensors").exists()
    return found


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
def test_the_state_dict_may_be_in_a_checkpoint(tmp_path: Path, key: str) -> None:
    network = notebook(5)
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(3, 1, dtype=torch.long)).sum().backward()
    optimizer.step()
    path = tmp_path / "model.pt"
    torch.save({"epoch": 3, key: network.state_dict(), "optimizer": optimizer.state_dict(), "loss": 1.5}, path)
    assert state_dict_in(path).keys() == network.state_dict().keys()


def test_the_format_before_pytorch_1_6_is_read(tmp_path: Path) -> None:
    network = notebook(5)
    torch.save(network.state_dict(), tmp_path / "model.pt", _use_new_zipfile_serialization=False)
    assert torch.equal(state_dict_in(tmp_path / "model.pt")["fc.bias"], network.fc.bias)


def test_shared_and_transposed_weights_are_copied(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    matrix = torch.arange(6.0).view(2, 3)
    torch.save({"a": matrix, "b": matrix, "c": matrix.t()}, path)
    assert rewrite(path, tmp_path / "out") == ("", "")
    found = load_file(tmp_path / "out")
    assert torch.equal(found["a"], matrix)
    assert torch.equal(found["b"], matrix)
    assert torch.equal(found["c"], matrix.t())


def test_a_whole_module_needs_code(tmp_path: Path) -> None:
    torch.save(notebook(5), tmp_path / "model.pt")
    assert problem(tmp_path / "model.pt") == ("code", "tests.core.interchange.notebook.Notebook")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_needs_code(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), tmp_path / "model.pt")
    assert problem(tmp_path / "model.pt") == ("code", "TorchScript")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_plain_pickle_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    for protocol in (2, 4, 5):
        path.write_bytes(pickle.dumps({"weights": [1.0, 2.0]}, protocol=protocol))
        assert problem(path)[0] in ("code", "damaged")
        path.write_bytes(pickle.dumps(notebook(5).state_dict(), protocol=protocol))
        assert problem(path)[0] in ("code", "damaged")


def test_other_things_than_a_state_dict_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    for content in (torch.ones(3), [torch.ones(3)], {}, {"epoch": 3}, {"model": {"x": 1}}, None, 3):
        torch.save(content, path)
        assert problem(path)[0] == "no state dict"
    for name, value in (("b", 3), (7, torch.ones(2))):
        torch.save({"a": torch.ones(2), name: value}, path)
        assert problem(path) == ("entry", str(name))
    for odd in (torch.ones(2, dtype=torch.int64), torch.eye(3).to_sparse(), torch.ones(2, dtype=torch.complex64)):
        torch.save({"a": torch.ones(2), "odd": odd}, path)
        assert problem(path) == ("kind", "odd")


def test_a_tensor_that_names_more_numbers_than_the_file_has_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1).expand(10**9, 1000)}, tmp_path / "model.pt")
    assert problem(tmp_path / "model.pt")[0] == "damaged"


def test_an_archive_that_inflates_is_refused_before_it_does(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("model/data.pkl", "w") as entry:
        for _ in range(100):
            entry.write(bytes(1 << 20))
    assert path.stat().st_size < 200_000
    assert problem(path)[0] == "packed"


def test_other_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<xml/>")
    assert problem(path)[0] == "not PyTorch"


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    whole = save_as(notebook(5), tmp_path / "model.pt").read_bytes()
    path = tmp_path / "cut.pt"
    for length in (4, 10, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:length])
        assert problem(path) == ("damaged", "")
    torch.save(notebook(5).state_dict(), path, _use_new_zipfile_serialization=False)
    whole = path.read_bytes()
    for length in (4, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:length])
        assert problem(path) == ("damaged", "")


def test_every_problem_has_a_sentence() -> None:
    code = Path(unpickling.__file__).read_text(encoding="utf-8")
    named = {*re.findall(r'UnreadableError\("([^"]+)"', code), *re.findall(r'return "([^"]+)"', code)}
    assert {"time"} == set(torch_file._PROBLEMS) - named
    assert named <= set(torch_file._PROBLEMS)


@pytest.mark.thorough
def test_the_limit_of_memory_leaves_room_for_any_good_file(tmp_path: Path) -> None:
    path = tmp_path / "large.pt"
    torch.save({"a": torch.ones(40 << 20, dtype=torch.float16)}, path)
    to_its_end(convert(path, tmp_path / "out"))
    assert load_file(tmp_path / "out")["a"].shape == (40 << 20,)
