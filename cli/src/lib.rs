//! The command lines `seal` and `kubeseal`.
//!
//! ```text
//! words and variables ──┬── args ──▶ Arguments ── request ──▶ Request ── commands ──▶ output
//!                       └── verbs ──▶ Request of the verb ── its `run` ──▶ output
//! ```
//!
//! Words that begin with a verb (`seal create …`, `seal keys backup …`) are its own; all others are what the existing tool takes
//! too. `Arguments` are what was typed, and a `Request` is what is meant. A command or a verb does it with streams it is given:
//! standard output is data, standard error is talk, and a file is replaced only on success. What both need (certificates, targets,
//! private keys, SealedSecrets of files and clusters) is in modules beside them, which know neither flags nor streams where they
//! can do without.
//!
//! # Two names, one tool
//!
//! As `kubeseal` the program does what the existing tool does, down to messages and exit codes, so that no script has to change
//! (the defects it keeps from scripts, such as dropped documents and emptied files, are errors here). As `seal`, with the same
//! flags and variables:
//!
//! * the output's format follows the input's, unless `--format` or a suffix says otherwise;
//! * the first words may be a verb, and a word that is neither verb nor flag is an error, with a suggestion;
//! * two jobs at once are an error, and so is one name for several Secrets;
//! * an update that names another place than the file it is merged into is an error;
//! * names and namespaces are checked, so that no placeholder is sealed for;
//! * a namespace that comes from the kubeconfig is told;
//! * errors read `error[code]: …`, with hints;
//! * a `List` is taken apart, UTF-16 is read, every key of a recovery file is used;
//! * an output file keeps its mode and a link its meaning, unless plain Secrets go there; an edited file keeps its comments;
//! * the SealedSecret says in an annotation which key it was sealed for.
//!
//! Work that needs no cluster touches no kubeconfig, no home directory and no network.

mod argocd;
mod args;
mod binding;
mod certificate;
mod cluster;
mod commands;
mod confirm;
mod diagnosis;
mod distance;
mod download;
mod drill;
mod edited;
mod environment;
mod excerpt;
mod failure;
mod faults;
mod git_history;
mod help;
mod input;
mod io;
mod kept_keys;
mod location;
mod name;
mod object_name;
mod output;
mod own_metadata;
mod placement;
mod problem;
mod progress;
mod prompt;
mod recovery;
mod recovery_keys;
mod repeated;
mod request;
mod rules;
mod sealed_files;
mod sealed_input;
mod sealing;
mod shell;
mod suggest;
mod target;
mod traces;
mod unlock;
mod values;
mod verbs;
mod walk;

pub use name::Name;
pub use shell::main;
