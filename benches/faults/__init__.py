"""Injected-fault worlds: months invented with known errors, billed by an engine of their own, judged by the documents alone."""
