"""Activities: validate, call the books or the outside, map errors. Thin; no rule lives here."""
