"""Parts of the loss chart: lines, scales, dots, labels, colours and zoom."""
