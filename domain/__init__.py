"""The rules of accounts receivable: pure functions over plain values. No I/O, no clock, no randomness."""
