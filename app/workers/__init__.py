"""The only place that makes threads or processes."""
