"""One file per algorithm: rows of a matrix in, codes and scales out."""
