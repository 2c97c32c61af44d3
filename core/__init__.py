"""The engine of charlstm-tui: corpora, the model, training, evaluation, sampling. No screen and no printing."""
