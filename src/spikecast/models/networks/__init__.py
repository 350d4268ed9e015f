"""torch modules, one architecture per file, and the training loop that fits all of them."""
