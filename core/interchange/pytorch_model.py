r"""A language model of characters, exported by charlstm-tui. It needs PyTorch and safetensors, and nothing else.

    python model.py --prompt "Le roi" --length 500 --temperature 0.8 --seed 0

In Python, `load()` returns the network and its characters. `Network` is all of the model; the rest generates text.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Network(nn.Module):
    """Predicts the next character from those before it. Embedding, recurrent layers, linear layer."""

    def __init__(self, cell: str, embedding_size: int, hidden_size: int, num_layers: int, characters: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, embedding_size)
        self.layers = LAYERS[cell](embedding_size, hidden_size, num_layers)
        self.output = nn.Linear(hidden_size, characters)

    def forward(self, ids: Tensor, state: object = None) -> tuple[Tensor, object]:
        """Return the logits after each of `ids`, (T, B) -> (T, B, V), and the state after the last."""
        hidden, state = self.layers(self.embedding(ids), state)
        return self.output(hidden), state


def load(folder: Path) -> tuple[Network, list[str]]:
    """Return the network in a folder, and its characters: the id of each is its place in the list."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    characters = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
    sizes = {name: config[name] for name in ("cell", "embedding_size", "hidden_size", "num_layers")}
    network = Network(**sizes, characters=len(characters))
    network.load_state_dict(load_file(folder / "model.safetensors"))
    return network.eval(), characters


class Random:
    """Random numbers between 0 and 1: those of NumPy's default generator, which charlstm-tui uses, for the same seed.

    The generator is PCG64 (O'Neill, 2014): a counter of 128 bits, multiplied at each step, and mixed to 64 bits. NumPy
    computes its first state from the seed with a hash of four words of 32 bits.
    """

    def __init__(self, seed: int) -> None:
        factor = 0x43B0D7E5

        def hashed(word: int, multiplier: int) -> int:
            nonlocal factor
            word ^= factor
            factor = factor * multiplier & 0xFFFFFFFF
            word = word * factor & 0xFFFFFFFF
            return word ^ word >> 16

        pool = [hashed(word, 0x931E8875) for word in (seed, 0, 0, 0)]
        for source in range(4):
            for target in range(4):
                if source != target:
                    word = 0xCA01F9DD * pool[target] - 0x4973F715 * hashed(pool[source], 0x931E8875) & 0xFFFFFFFF
                    pool[target] = word ^ word >> 16
        factor = 0x8B51F9DD
        words = [hashed(pool[place % 4], 0x58F38DED) for place in range(8)]
        first, second, third, fourth = (words[place] | words[place + 1] << 32 for place in range(0, 8, 2))
        self.increment = (third << 64 | fourth) << 1 | 1
        self.state = self.increment + (first << 64 | second)
        self.step()

    def step(self) -> int:
        """Advance the counter and return it."""
        self.state = (self.state * 0x2360ED051FC65DA44385DF649FCCF645 + self.increment) % 2**128
        return self.state

    def next(self) -> float:
        """Return the next number."""
        state = self.step()
        word, turn = (state >> 64 ^ state) % 2**64, state >> 122
        turned = (word >> turn | word << 64 - turn) % 2**64
        return (turned >> 11) / 2**53


@torch.inference_mode()
def generate(network: Network, characters: list[str], prompt: str, temperature: float, seed: int) -> Iterator[str]:
    """Yield characters without end. Without a prompt, the network first reads a full stop, if it knows it."""
    ids = {character: place for place, character in enumerate(characters)}
    read = [ids[character] for character in prompt] or [ids.get(".", 0)]
    random, state = Random(seed), None
    while True:
        logits, state = network(torch.tensor(read)[:, None], state)
        last = logits[-1, 0].double()  # (V,)
        if temperature:
            below = torch.exp((last - last.max()) / temperature).cumsum(0)
            chosen = int(torch.searchsorted(below, random.next() * below[-1], right=True))
        else:
            chosen = int(last.argmax())
        yield characters[chosen]
        read = [chosen]


def shown(text: str) -> str:
    """Return a text without characters that a terminal would act on."""
    return "".join("\ufffd" if (ord(one) < 32 and one not in "\n\t") or 127 <= ord(one) < 160 else one for one in text)


def main() -> None:
    """Generate a text with the model in the folder of this file."""
    parser = argparse.ArgumentParser(
        description="Generate text. The same seed gives the same text each time: that of `charlstm-tui generate`, "
        "except for about one of 200 texts of 500 characters, in which sums that are rounded differently change a draw."
    )
    parser.add_argument("--prompt", default="", help=r"beginning of the text; \n is a new line")
    parser.add_argument("--length", type=int, default=500, help="number of characters")
    parser.add_argument("--temperature", type=float, default=0.8, help="0 takes the most likely character")
    parser.add_argument("--seed", type=int, default=0, help="random seed, from 0 to 4294967295")
    given = parser.parse_args()
    if given.length < 1 or not 1e-200 <= (given.temperature or 1) <= 100 or not 0 <= given.seed < 2**32:
        parser.error("the length must be at least 1, the temperature from 0 to 100, and the seed from 0 to 4294967295")
    try:
        network, characters = load(Path(__file__).parent)
    except Exception as error:
        parser.error(f"the folder of this file is not complete: {error}")
    prompt = given.prompt.replace("\\n", "\n")
    if unknown := set(prompt) - set(characters):
        parser.error(f"the model does not know these characters of the prompt: {shown(' '.join(sorted(unknown)))}")
    # For a character at a time one thread is the fastest, and oneDNN would rearrange all weights for each character.
    torch.set_num_threads(1)
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.stdout.write(shown(prompt))
    text = generate(network, characters, prompt, given.temperature, given.seed)
    for _ in range(given.length):
        sys.stdout.write(shown(next(text)))
        sys.stdout.flush()
    sys.stdout.write("\n")


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(1)
