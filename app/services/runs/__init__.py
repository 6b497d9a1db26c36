"""Planning runs: what a person does to them, and what is told of them and of what they made."""
