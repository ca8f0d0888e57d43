"""The receivable's books in plain Python: no database, no wall clock, no randomness. A second implementation beside
`adapters/books`, to play many lives and to compare with."""
