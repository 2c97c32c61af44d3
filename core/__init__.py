"""The engine of charlstm-tui: corpora, the model, training, evaluation and sampling. It draws and prints nothing."""
