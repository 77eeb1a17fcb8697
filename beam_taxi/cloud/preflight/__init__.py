"""What can be known to fail before a run begins: checks that begin nothing, and leave nothing behind."""
