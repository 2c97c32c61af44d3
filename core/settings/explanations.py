"""What each setting does, and what a larger or a smaller value means: read beside the form, by who learns the field."""

from typing import NamedTuple


class Explanation(NamedTuple):
    """Some sentences about a setting."""

    does: str
    larger: str = ""
    """What a larger value means; empty where values have no order."""
    smaller: str = ""


EXPLANATIONS: dict[str, Explanation] = {
    "cell": Explanation(
        "The kind of recurrent layer. An LSTM carries a cell state from character to character, and three gates "
        "decide what is kept, added and shown. A GRU does it with two gates and three quarters of the parameters. "
        "The plain rnn has no gates and soon forgets: train one to see what gates are for."
    ),
    "embedding_size": Explanation(
        "The embedding dimension: each character enters the network as a vector of so many numbers, which are "
        "learned. Characters that are used alike come to lie close together.",
        "more parameters in the first layer; a text has only some hundred distinct characters, so 128 is seldom too "
        "few.",
        "characters have to share directions, and are told apart less well.",
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
        "more steps of computation for each character; slower, and harder to train.",
        "faster, and easier to train; one layer with more cells is often as good.",
    ),
    "epochs": Explanation(
        "Passes through the training text. The schedule of the learning rate is stretched over all of them: the "
        "first 20 of 40 epochs are not a run of 20.",
        "a lower training loss; the validation loss tells when it helps no more.",
        "sooner done; the network may still be learning when it ends.",
    ),
    "seconds": Explanation(
        "A time limit in place of epochs. The speed is measured first, then as many epochs are planned as there is "
        "time for, with the schedule of the learning rate over them. 0 sets no limit, and the epochs count."
    ),
    "streams": Explanation(
        "The batch size. The training text is cut into so many parts, which are read side by side, each with a "
        "hidden state of its own; one step of the optimizer learns from all of them.",
        "more characters a second and smoother gradients, but fewer steps an epoch; a larger learning rate suits it.",
        "more steps an epoch, each noisier; slower. 1 reads the text from beginning to end.",
    ),
    "window": Explanation(
        "Characters that are read between two steps of the optimizer. Gradients flow back through one window "
        "(truncated backpropagation through time); the hidden state is carried on into the next.",
        "links over longer distances can be learned; fewer steps an epoch, more memory.",
        "more steps an epoch; what lies further back counts only through the carried state.",
    ),
    "learning_rate": Explanation(
        "The size of a step of the optimizer, AdamW, at its largest: warmup and final rate shape it over the run. Of "
        "all settings the one that most needs to be right.",
        "learns faster, until the loss jumps or diverges.",
        "steadier, but slower: the run may end before the loss is low.",
    ),
    "warmup": Explanation(
        "The share of the run in which the learning rate rises in a line from 0 to its full size. The first "
        "gradients are large, and AdamW does not know their size yet.",
        "a gentler beginning, for large learning rates; less of the run at full rate.",
        "full steps sooner; 0 begins at once with the full rate.",
    ),
    "final_rate": Explanation(
        "Where the learning rate ends, as a share of its full size. It falls there along half a cosine; 1 keeps it "
        "constant.",
        "still large steps at the end: the loss stays noisy.",
        "small last steps, in which the weights settle: most of the gain of the last epochs.",
    ),
    "beta2": Explanation(
        "The memory of AdamW for the size of gradients: each step is divided by a running mean of their squares, of "
        "about 1/(1 − beta2) steps.",
        "a steadier estimate, slow to follow a change.",
        "follows a change of the gradients sooner, more noisily; 0.99 suits short runs.",
    ),
    "weight_decay": Explanation(
        "How strongly AdamW shrinks the weights at every step, apart from the gradient. Small weights make smooth "
        "predictions.",
        "less overfitting; far too much keeps the network from learning.",
        "the weights may grow freely; 0 shrinks none.",
    ),
    "decay": Explanation(
        "Which weights decay: matrices leaves biases alone, whose size does no harm; all is what PyTorch does unless "
        "told otherwise, and what the course's notebook did."
    ),
    "gradient_clip": Explanation(
        "The largest norm that a gradient may have; a longer one is scaled down to it. A recurrent network's "
        "gradient can explode now and then, and one such step would undo many. 0 never clips; 1 is usual.",
        "only the wildest gradients are scaled down.",
        "more steps are scaled down, and learning is slower but safe.",
    ),
    "forget_bias": Explanation(
        "Added to the first bias of the forget gates of an LSTM. At 1, new cells keep most of what they hold, so "
        "that gradients reach far back from the first step on.",
        "cells remember at first whatever they read.",
        "cells forget half at every character until they learn to keep it.",
    ),
    "input_dropout": Explanation(
        "The share of the embedding's numbers that are set to zero while training, the same ones through a whole "
        "window (locked dropout). The network cannot rely on any single one.",
        "less overfitting, slower learning.",
        "learns the training text faster, and by heart sooner; 0 drops none.",
    ),
    "layer_dropout": Explanation(
        "Dropout between layers: the share of a layer's outputs that the next one does not get, the same through a "
        "window. It does nothing where there is one layer.",
        "less overfitting, slower learning.",
        "each layer sees all of the one below; 0 drops none.",
    ),
    "output_dropout": Explanation(
        "Dropout before the output: the share of the last layer's outputs that are set to zero, the same ones "
        "through a window, while training. The training loss is measured with it, so it can lie above the validation "
        "loss.",
        "less overfitting, which short texts need most; slower learning.",
        "learns faster; on a short text it soon learns by heart. 0 drops none.",
    ),
    "weight_drop": Explanation(
        "DropConnect: the share of the weights between the cells of a layer from one character to the next that are "
        "set to zero, drawn anew for each window.",
        "less overfitting of what is remembered over time; slower learning.",
        "all connections are used; 0 drops none.",
    ),
    "state_reset": Explanation(
        "The chance, for each stream at each window, that the hidden state is set to zero. Text that is generated "
        "begins with such a state, so the network should know it.",
        "more beginnings are learned; less is carried over long distances.",
        "a stream begins with zeros only once an epoch.",
    ),
    "averaging": Explanation(
        "The memory of a running mean of the weights, of about 1/(1 − averaging) steps. The mean is what is "
        "validated and kept: it is steadier than the weights themselves. 0 keeps the last weights.",
        "a mean over more steps: smoother, and behind while the weights still move much.",
        "closer to the weights of now.",
    ),
    "patience": Explanation(
        "Early stopping: the run ends after so many epochs in a row without a lower validation loss. 0 never stops "
        "early.",
        "a pause in the progress is waited out.",
        "ends sooner, perhaps too soon.",
    ),
    "validation": Explanation(
        "The share of the training part, at its end, that is not learned from. After each epoch the loss on it is "
        "measured, and the epoch with the lowest is kept as the best. 0 keeps none: then the last epoch is the best.",
        "a more reliable choice; less text to learn from.",
        "more text to learn from; the choice is left to chance.",
    ),
    "sample_length": Explanation(
        "Characters that the model generates after each epoch, always from the same prompt and the same seed, so "
        "that one sees it learn. 0 draws no sample."
    ),
    "sample_prompt": Explanation(
        "The prompt of these samples: the model reads it first and continues from there. It may be empty; then the "
        "model begins by itself."
    ),
    "precision": Explanation(
        "The numbers that the large products are computed in. fp32 has 24 bits of precision; bf16 has 8, and is "
        "faster where the CPU or the GPU has it built in. auto tries both and takes bf16 where it is faster. Weights "
        "stay fp32."
    ),
    "threads": Explanation(
        "Threads of the CPU to compute with. 0 tries a few and takes the fastest. It matters little on a GPU.",
        "faster up to the number of cores, slower beyond, or where other programs run.",
        "leaves cores to other programs.",
    ),
    "device": Explanation(
        "What to compute on: the CPU, a GPU of Nvidia (cuda) or one of Apple (mps). auto takes a GPU where there is "
        "one."
    ),
    "seed": Explanation(
        "Where all random numbers begin: the first weights, dropout, the place where an epoch's windows begin. The "
        "same seed on the same machine gives the same losses. Two seeds show how much of a difference is luck."
    ),
}
"""By the name of the setting."""
