"""What must hold on any database, one small function each, by invariant (DESIGN, section 5). They read as a stream and
name the row; they repair nothing and trust no constraint of the database, which a tamperer could have dropped."""
