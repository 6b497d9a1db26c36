"""The platform's tables as Peewee models, the file they live in, and its migrations. No Qt."""
