"""A static site over a metadata store: its pipelines, runs and artifacts, and how they hang together.

`store_contents` reads a store, ours or TFX's; `trends` reads the statistics of its newest runs; `lineage_drawing` and
`charts` draw; `page_contents` makes what is shown of each, and `building` writes the files. How pages look is in
show/html.
"""
