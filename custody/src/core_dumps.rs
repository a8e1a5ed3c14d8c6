//! Keeping the memory of a process that holds keys out of files.

/// Forbids this process to leave a core dump, and others of the same user to read its memory.
///
/// Whatever kills it then, no key or value gets to a file, and to nobody who collects crash reports. The limit holds for the
/// processes that it starts as well; the other half is Linux's and not inherited, and counts where dumps go to a program, which
/// no limit stops. A system that does not know one of them has nothing else to offer, so there is nothing to report.
#[cfg(unix)]
pub fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
    }
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).ok();
}

/// Does nothing: core dumps are not written here.
#[cfg(not(unix))]
pub fn forbid_core_dumps() {}
