"""The audit chain: its entries, the verdict over them, checkpoints."""
