"""Independent judges of finished documents: what they say (`port`), which profile a document claims (`profiles`), the
official rules in Python (`rules`, `pages`), and the kit in Java (`kit`). None of them changes what it judges."""
