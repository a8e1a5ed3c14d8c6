//! Output that waits until all of it is there, however long it is and whatever it says.

use std::io::{self, Read as _, Seek as _, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sealed_api::codes::Code;
use tempfile::SpooledTempFile;
use zeroize::{Zeroize as _, Zeroizing};

use crate::failure::{Failure, io_cause};

/// As much is in memory in clear.
const CHUNK: usize = 1 << 16;
/// What the encryption adds to a chunk.
const TAG: usize = 16;
/// As much waits in memory; more goes to a file, all of it.
const HELD_IN_MEMORY: usize = 4 << 20;

/// Bytes that are shown later. What does not fit into memory is in a file that has no name, encrypted with a key that nobody but
/// this process ever has: it may be plain Secrets, and what was on a disk can be found there.
pub(super) struct Spool {
    /// The end of it, less than a chunk.
    end: Vec<u8>,
    /// All before that, in chunks.
    chunks: SpooledTempFile,
    count: u64,
    key: Option<LessSafeKey>,
}

impl Spool {
    pub(super) fn new() -> Self {
        Self {
            end: Vec::new(),
            chunks: SpooledTempFile::new(HELD_IN_MEMORY),
            count: 0,
            key: None,
        }
    }

    /// Adds bytes.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        if self.end.capacity() == 0 {
            // At once, since a vector that grows leaves copies behind.
            self.end.reserve_exact(CHUNK + TAG);
        }
        while !bytes.is_empty() {
            let room = CHUNK.saturating_sub(self.end.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.end.extend_from_slice(now);
            bytes = later;
            if self.end.len() == CHUNK {
                self.set_aside().map_err(|error| cannot_hold(&error))?;
            }
        }
        Ok(())
    }

    fn set_aside(&mut self) -> io::Result<()> {
        let key = match self.key.take() {
            Some(key) => key,
            None => fresh_key()?,
        };
        key.seal_in_place_append_tag(nonce(self.count), Aad::empty(), &mut self.end)
            .map_err(io::Error::other)?;
        self.chunks.write_all(&self.end)?;
        self.end.clear();
        self.count += 1;
        self.key = Some(key);
        Ok(())
    }

    /// Hands over all of it, in parts.
    pub(super) fn show(
        mut self,
        mut show: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if let Some(key) = self.key.take() {
            self.chunks.rewind().map_err(|error| cannot_hold(&error))?;
            let mut chunk = Zeroizing::new(vec![0; CHUNK + TAG]);
            for number in 0..self.count {
                let read = self.chunks.read_exact(&mut chunk);
                let opened = read.and_then(|()| {
                    key.open_in_place(nonce(number), Aad::empty(), &mut chunk)
                        .map_err(io::Error::other)
                });
                show(opened.map_err(|error| cannot_hold(&error))?)?;
            }
        }
        show(&self.end)
    }
}

impl Drop for Spool {
    /// Behind the end there is nothing to wipe: what was there is encrypted, or was never written. To leave these pages alone is a
    /// tenth of what sealing one Secret touches.
    fn drop(&mut self) {
        self.end.as_mut_slice().zeroize();
    }
}

fn fresh_key() -> io::Result<LessSafeKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(&mut *bytes).map_err(io::Error::other)?;
    let key = UnboundKey::new(&AES_256_GCM, &*bytes).map_err(io::Error::other)?;
    Ok(LessSafeKey::new(key))
}

/// The number of a chunk: each is encrypted once.
fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; 12];
    for (byte, of_number) in bytes.iter_mut().zip(number.to_le_bytes()) {
        *byte = of_number;
    }
    Nonce::assume_unique_for_key(bytes)
}

fn cannot_hold(error: &io::Error) -> Failure {
    let directory = std::env::temp_dir();
    Failure::new(
        Code::UnwritableOutput,
        format!(
            "cannot set aside the output in `{}`: {}",
            directory.display(),
            io_cause(error)
        ),
    )
    .hint("TMPDIR names another directory; with an output file none is needed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(spool: Spool) -> Vec<u8> {
        let mut all = Vec::new();
        spool
            .show(|part| {
                all.extend_from_slice(part);
                Ok(())
            })
            .unwrap();
        all
    }

    #[test]
    fn what_was_written_comes_out_whatever_its_length() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 5 * CHUNK + 7] {
            let text: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut spool = Spool::new();
            for part in text.chunks(1000) {
                spool.write(part).unwrap();
            }
            assert!(shown(spool) == text, "{length}");
            let mut spool = Spool::new();
            spool.write(&text).unwrap();
            assert!(shown(spool) == text, "{length}, at once");
        }
    }

    #[test]
    fn what_leaves_memory_cannot_be_read() {
        let mut spool = Spool::new();
        let line = b"password: hunter2\n";
        while !spool.chunks.is_rolled() {
            spool.write(line).unwrap();
        }
        spool.chunks.rewind().unwrap();
        let mut stored = Vec::new();
        spool.chunks.read_to_end(&mut stored).unwrap();
        assert!(stored.len() > HELD_IN_MEMORY);
        assert!(!stored.windows(7).any(|part| part == b"hunter2"));
    }

    #[test]
    fn a_chunk_that_was_changed_is_not_shown() {
        let mut spool = Spool::new();
        spool.write(&vec![7; 2 * CHUNK]).unwrap();
        spool.chunks.rewind().unwrap();
        spool.chunks.write_all(&[0]).unwrap();
        let failure = spool.show(|_| Ok(())).unwrap_err();
        assert_eq!(failure.code(), Code::UnwritableOutput);
    }
}
