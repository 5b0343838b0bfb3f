"""Models of llama.cpp: one .gguf file with weights, configuration and tokenizer."""
