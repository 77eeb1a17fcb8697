"""This operating-system process: how it was begun, what it imports, what C++ says in it."""
