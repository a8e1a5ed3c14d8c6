//! The command-line grammar of the Go package pflag.
