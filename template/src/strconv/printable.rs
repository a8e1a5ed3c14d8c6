//! Which characters Go prints as they are.
