"""Legal documents: what is printed (`port`), how it is set (`sheet`, `typst`), where the bytes stay
(`archive`)."""
