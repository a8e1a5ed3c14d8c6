//! Testkit, and the tests that need a real API server and the real upstream tools.
