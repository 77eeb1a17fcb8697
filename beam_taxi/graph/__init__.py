"""The PTransforms and DoFns of the graph: wiring only. What they call knows nothing of Beam."""

from beam_taxi.runners import workarounds as beam_workarounds  # noqa: F401 - imported for what it does
