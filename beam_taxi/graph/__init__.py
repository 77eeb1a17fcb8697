"""The PTransforms and DoFns of the graph: wiring only. What they call knows nothing of Beam."""
