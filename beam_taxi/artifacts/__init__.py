"""What a run leaves behind: its folder, its manifest."""
