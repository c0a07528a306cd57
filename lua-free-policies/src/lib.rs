//! (workspace being laid out)
