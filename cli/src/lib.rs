//! The command lines `seal` and `kubeseal`.
