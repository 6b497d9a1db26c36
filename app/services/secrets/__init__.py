"""What a secret is: by what it is called, by how it is written, and within a text."""
