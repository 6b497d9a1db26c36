"""What an administrator can do: plain functions over an explicit database. No Qt."""
