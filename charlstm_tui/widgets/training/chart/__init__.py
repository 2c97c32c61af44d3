"""Parts of the loss chart: which lines, on which scale, as which dots, with which labels."""
