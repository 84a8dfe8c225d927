"""What the package's loop and losses buy, beside the procedure of the authors' release."""
