"""What a machine reaches with its own runtimes, in at most 90 seconds and without a model: `edgeslm measure --probe`.

    graphs.py   decoders of random weights, small enough to be made on the spot, of three shapes
    worker.py   a child process for each form: convert one graph after the other, time passes, print a row each
    children.py a child's folder and its end, whatever happens to the parent
    held.py     Ctrl-C and its like, held back until folders and children are gone
    session.py  the children in turn, within the budget; what a dead child or a figure that cannot be means
    record.py   the rows with the machine and the versions they were taken with, as one file written whole

What plans make of a record is `reach.py`'s, one folder up.
"""
