//! A terminal that shows again what is typed, also after somebody gave up at a prompt.
//!
//! Not to show it is a property of the terminal and outlives the process: a shell behind it would be typed into blindly.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;

/// What a person or a shell ends a program with.
const ENDS: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// While it lives, a signal that ends the process gives the terminal back first.
pub(super) struct Kept {
    signals: Handle,
    watch: Option<JoinHandle<()>>,
    /// Whether signals do what they always do.
    is_over: Arc<AtomicBool>,
}

impl Kept {
    /// Remembers how the terminal is. Without one there is nothing to give back.
    pub(super) fn of_terminal() -> Option<Self> {
        let terminal = File::open("/dev/tty").ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let is_over = Arc::new(AtomicBool::new(false));
        for signal in ENDS {
            register_conditional_default(signal, Arc::clone(&is_over)).ok()?;
        }
        let mut signals = Signals::new(ENDS).ok()?;
        let handle = signals.handle();
        let watch = thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                // Ending is what was asked for, whether or not the terminal obeys.
                let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
                drop(emulate_default_handler(signal));
            }
        });
        Some(Self {
            signals: handle,
            watch: Some(watch),
            is_over,
        })
    }

    /// Lets the process end after a signal, which its reading may have noticed first.
    pub(super) fn end(mut self) {
        if let Some(watch) = self.watch.take() {
            drop(watch.join());
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.signals.close();
        if let Some(watch) = self.watch.take() {
            drop(watch.join());
        }
    }
}
