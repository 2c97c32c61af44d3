"""Explanations of the settings for students: what each does, and the effect of a larger and of a smaller value."""

from typing import NamedTuple


class Explanation(NamedTuple):
    """The explanation of a setting."""

    does: str
    larger: str = ""
    """Effect of a larger value; empty for settings whose values have no order."""
    smaller: str = ""
    """Effect of a smaller value; may be empty."""


EXPLANATIONS: dict[str, Explanation] = {
    "cell": Explanation(
        "The kind of recurrent layer. An LSTM carries a cell state from character to character, and three gates "
        "decide what is kept, added and shown. A GRU does it with two gates and three quarters of the parameters. "
        "The plain rnn has no gates and soon forgets: train one to see what gates are for."
    ),
    "embedding_size": Explanation(
        "The embedding dimension: each character enters the network as a vector of this many numbers, which are "
        "learned. Characters that are used in similar ways get similar vectors.",
        "more parameters in the first layer; a text has only about a hundred distinct characters, so 128 is seldom "
        "too few.",
        "the vectors of different characters are harder to distinguish.",
    ),
    "hidden_size": Explanation(
        "Cells in each layer: how much the network can remember and compute. Parameters, memory and time grow with "
        "the square of it.",
        "a lower loss where the text is long enough, overfitting where it is short; slower.",
        "faster, and less overfitting on a short text; a higher loss on a long one.",
    ),
    "num_layers": Explanation(
        "Layers of cells, each reading the hidden state of the one below. The first sees characters, the last "
        "predicts. All presets have one.",
        "more computation for each character; slower, and harder to train.",
        "faster, and easier to train; one layer with more cells is often as good.",
    ),
    "epochs": Explanation(
        "Passes through the training text. The schedule of the learning rate is stretched over all of them: the "
        "first 20 of 40 epochs are not a run of 20.",
        "a lower training loss; the validation loss shows when more epochs no longer help.",
        "a shorter run; the network may still be learning when it ends.",
    ),
    "seconds": Explanation(
        "A time limit instead of a number of epochs. The speed is measured first; then as many epochs are planned as "
        "fit in the time, with the learning rate schedule stretched over them. 0 sets no limit, and the epochs count."
    ),
    "streams": Explanation(
        "The batch size. The training text is cut into this many parts, which are read in parallel, each with a "
        "hidden state of its own; one step of the optimizer learns from all of them.",
        "more characters per second and smoother gradients, but fewer steps per epoch; it allows a larger learning "
        "rate.",
        "more steps per epoch, each noisier; slower. 1 reads the text from beginning to end.",
    ),
    "window": Explanation(
        "Characters that each stream reads between two steps of the optimizer. Gradients flow back through one window "
        "(truncated backpropagation through time); the hidden state is carried over into the next.",
        "dependencies over longer distances can be learned; fewer steps per epoch, more memory.",
        "more steps per epoch; earlier text counts only through the hidden state that is carried over.",
    ),
    "optimizer": Explanation(
        "How the weights follow their gradients. adamw divides each weight's step by the usual size of its gradient. "
        "muon changes the matrices of the layers by about the same amount in all directions, so that each step learns "
        "more; the step takes longer, which matters less with many streams. The other weights are left to adamw."
    ),
    "learning_rate": Explanation(
        "The size of a step of the optimizer at its largest: warmup and final rate shape it over the run. "
        "This is the most important setting of all.",
        "learns faster, until the loss jumps or diverges.",
        "steadier, but slower: the run may end before the loss is low.",
    ),
    "warmup": Explanation(
        "The share of the run in which the learning rate rises linearly from 0 to its full size. The first "
        "gradients are large, and the optimizer does not know their size yet.",
        "a gentler start, for large learning rates; less of the run at the full rate.",
        "full steps sooner; 0 starts with the full rate.",
    ),
    "final_rate": Explanation(
        "The learning rate at the end of the run, as a share of its full size. The rate falls to it along half a "
        "cosine; 1 keeps it constant.",
        "large steps until the end: the loss stays noisy.",
        "small steps at the end, in which the weights settle: most of the gain of the last epochs.",
    ),
    "beta2": Explanation(
        "The memory of AdamW for the size of gradients: each step is divided by the root of a running mean of their "
        "squares, over about 1/(1 − beta2) steps.",
        "a steadier estimate, which follows changes slowly.",
        "a noisier estimate, which follows changes quickly; 0.99 suits short runs.",
    ),
    "weight_decay": Explanation(
        "How strongly the optimizer shrinks the weights at every step, apart from the gradient. Small weights make "
        "smooth predictions.",
        "less overfitting; far too much keeps the network from learning.",
        "the weights may grow freely; 0 is no weight decay.",
    ),
    "decay": Explanation(
        "Which weights decay: matrices excludes the biases, whose size does no harm; all is PyTorch's default, and "
        "what the course's notebook used."
    ),
    "gradient_clip": Explanation(
        "The largest norm that a gradient may have; a larger gradient is scaled down to it. A recurrent network's "
        "gradient can explode occasionally, and one such step would undo many. 0 never clips; 1 is usual.",
        "only the largest gradients are scaled down.",
        "more gradients are scaled down, and learning is slower but safer.",
    ),
    "forget_bias": Explanation(
        "Added to the initial bias of the forget gates of an LSTM. At 1, cells keep most of their state at the start "
        "of training, so that gradients reach far back from the first step on.",
        "at the start of training, cells keep nearly all of their state.",
        "at 0, cells forget about half of their state at every character until they learn to keep it.",
    ),
    "input_dropout": Explanation(
        "The share of the embedding's numbers that are set to zero while training, the same ones throughout a "
        "window (locked dropout), so that the network does not rely on any single one.",
        "less overfitting, slower learning.",
        "faster learning, and the training text is memorized sooner; 0 is no dropout.",
    ),
    "layer_dropout": Explanation(
        "Dropout between layers: the share of a layer's outputs that are set to zero for the next layer, the same "
        "ones throughout a window. It has no effect on a network of one layer.",
        "less overfitting, slower learning.",
        "faster learning; 0 is no dropout.",
    ),
    "output_dropout": Explanation(
        "Dropout before the output: the share of the last layer's outputs that are set to zero while training, the "
        "same ones throughout a window. The training loss is computed with it, so it can be above the validation "
        "loss.",
        "less overfitting, which short texts need most; slower learning.",
        "faster learning; a short text is soon memorized. 0 is no dropout.",
    ),
    "weight_drop": Explanation(
        "DropConnect: the share of the recurrent weights, from the cells at one character to those at the next, that "
        "are set to zero while training. Other weights are chosen for each window.",
        "less overfitting; slower learning.",
        "faster learning; 0 is no dropout.",
    ),
    "state_reset": Explanation(
        "The probability, for each stream at each window, that the hidden state is set to zero. Generated text starts "
        "with such a state, so the network should learn to use it.",
        "better beginnings of texts; less is remembered over long distances.",
        "at 0, a stream starts with zeros only once per epoch.",
    ),
    "rename_speakers": Explanation(
        "Data augmentation for plays: the share of the speakers that get made-up names, which change after about a "
        "scene and in each epoch. The network then learns to copy names from the scene instead of remembering them. "
        "The training loss is that of the changed text.",
        "better predictions for new plays, slightly worse ones where the names are known.",
        "the names of the training text are remembered; 0 renames nobody.",
    ),
    "averaging": Explanation(
        "The memory of a running mean of the weights, over about 1/(1 − averaging) steps. The mean is validated and "
        "saved instead of the weights themselves, since it is steadier. 0 uses the weights of the last step.",
        "a mean over more steps: smoother, but outdated while the weights still change a lot.",
        "closer to the current weights.",
    ),
    "patience": Explanation(
        "Early stopping: the run ends after this many epochs in a row without a lower validation loss. 0 never stops "
        "early.",
        "the run continues through longer phases without progress.",
        "the run ends sooner, perhaps too soon.",
    ),
    "validation": Explanation(
        "The share of the training part, at its end, that is kept for validation and not trained on. After each epoch "
        "the validation loss is computed, and the epoch with the lowest is saved as the best. 0 keeps none: then the "
        "last epoch is the best.",
        "a more reliable choice of the best epoch; less text to train on.",
        "more text to train on; a less reliable choice of the best epoch.",
    ),
    "sample_length": Explanation(
        "The length of the sample that the model generates after each epoch, in characters. The prompt and the seed "
        "are always the same, so that the samples show how it learns. 0 generates none."
    ),
    "sample_prompt": Explanation(
        "The prompt of the samples: the model reads it first and continues from there. It may be empty."
    ),
    "precision": Explanation(
        "The number format of the large matrix products. fp32 has 24 bits of precision; bf16 has 8, and is faster if "
        "the CPU or the GPU supports it. auto tries both and uses bf16 if it is faster. The weights stay in fp32."
    ),
    "threads": Explanation(
        "The number of CPU threads to compute with. 0 tries a few numbers and uses the fastest. It matters little on "
        "a GPU.",
        "faster up to the number of cores; slower beyond, or when other programs run.",
        "leaves cores to other programs.",
    ),
    "device": Explanation(
        "The device to compute on: the CPU (cpu), an Nvidia GPU (cuda) or an Apple GPU (mps). auto uses a GPU if there "
        "is one."
    ),
    "seed": Explanation(
        "The start of all random numbers: the initial weights, dropout, the position where each epoch's windows start. "
        "The same seed on the same machine gives the same losses. Two runs with different seeds show how much of a "
        "difference is chance."
    ),
}
"""Explanations by the name of the setting."""
