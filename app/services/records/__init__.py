"""The tables of the platform: one declaration each, their lists, and what an administrator may do to them."""
