"""What a person looks at: the terminal, the report about a run, the site of a store.

Each knows of the rooms below; nothing below prints or draws.
"""
