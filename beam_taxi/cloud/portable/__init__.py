"""What portable runners need (Flink, Spark, Prism and others): their jobs, Beam's job service, and Flink's REST API."""
