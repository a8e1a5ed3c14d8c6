//! Addresses to listen on, as Go's `net.Listen` takes them: `:8080`, `127.0.0.1:8080`, `[::1]:8080`.

use std::fmt;
use std::str::FromStr;

/// A port, with or without a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenAddress {
    host: Option<String>,
    port: u16,
}

impl ListenAddress {
    /// The host, without brackets; `None` is every interface.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The port; 0 lets the system choose.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The same port on 127.0.0.1.
    #[must_use]
    pub fn on_loopback(self) -> Self {
        Self {
            host: Some("127.0.0.1".to_owned()),
            port: self.port,
        }
    }
}

/// A text that is no address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an address such as :8080, 127.0.0.1:8080 or [::1]:8080")]
pub struct ListenAddressError;

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, ListenAddressError> {
        let (host, port) = text.rsplit_once(':').ok_or(ListenAddressError)?;
        let host = match host.strip_prefix('[') {
            Some(bracketed) => bracketed.strip_suffix(']').ok_or(ListenAddressError)?,
            // An IPv6 address without brackets cannot be told from its port.
            None if host.contains(':') => return Err(ListenAddressError),
            None => host,
        };
        // `+80` and the like are numbers to Rust only.
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ListenAddressError);
        }
        Ok(Self {
            host: Some(host)
                .filter(|host| !host.is_empty())
                .map(str::to_owned),
            port: port.parse().map_err(|_| ListenAddressError)?,
        })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host() {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
            None => write!(f, ":{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_go_reads_them_and_write_back() {
        for text in [
            ":8080",
            ":0",
            "127.0.0.1:8080",
            "localhost:1",
            "[::1]:65535",
        ] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        assert_eq!("[]:1".parse::<ListenAddress>().unwrap().host(), None);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", "8080", ":", ":http", ":65536", "::1", "::1:8080", "[::1:80", ":+80", "host",
        ] {
            assert_eq!(
                text.parse::<ListenAddress>(),
                Err(ListenAddressError),
                "{text}"
            );
        }
    }
}
