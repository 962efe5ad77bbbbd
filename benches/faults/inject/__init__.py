"""What can go wrong. Each module holds one family of faults; `faults.py` lists them all."""
