"""The long tables: their schema, how they are gathered and read."""
