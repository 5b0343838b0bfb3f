"""What crosses a wire or a disk between device and SDK; every form carries a version."""
