"""What measures, judges and writes results/. README.md says which folder does what, and how its programs are run."""
