"""Edges to the two services that are asked over HTTP: ESET Connect and N-able N-sight."""
