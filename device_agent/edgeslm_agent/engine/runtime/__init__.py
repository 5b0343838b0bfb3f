"""What runs the graph: `port.Runtime` is the protocol; each other file is the only importer of one foreign runtime."""
