//! The proxy variables, as Go programs understand them.

use std::net::IpAddr;

use http::Uri;
use sealed_api::Code;

use crate::environment::Environment;
use crate::failure::Failure;

/// The proxy on the way to `url`: `HTTPS_PROXY` or `HTTP_PROXY` by its scheme, in either case, unless `NO_PROXY` or loopback
/// says to go straight.
pub(crate) fn for_url(url: &Uri, environment: &Environment) -> Result<Option<Uri>, Failure> {
    let (names, scheme) = match url.scheme_str() {
        Some("https") => (["HTTPS_PROXY", "https_proxy"], "https"),
        _ => (["HTTP_PROXY", "http_proxy"], "http"),
    };
    let Some(proxy) = environment.first_variable(&names) else {
        return Ok(None);
    };
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = url
        .port_u16()
        .unwrap_or(if scheme == "https" { 443 } else { 80 });
    let exceptions = environment
        .first_variable(&["NO_PROXY", "no_proxy"])
        .unwrap_or_default();
    if is_loopback(host) || is_excepted(host, port, exceptions) {
        return Ok(None);
    }
    let proxy = if proxy.contains("://") {
        proxy.to_owned()
    } else {
        format!("http://{proxy}")
    };
    // The variable may hold a password, so its value is not shown.
    proxy.parse().map(Some).map_err(|_| {
        Failure::new(
            Code::BadConfiguration,
            format!("the variable {} is not the address of a proxy", names[0]),
        )
    })
}

/// Whether a host is this machine; an IPv6 address without its brackets.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Whether a comma-separated list of hosts, domains, addresses and networks names the host.
fn is_excepted(host: &str, port: u16, list: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            if entry == "*" {
                return true;
            }
            if let (Some((network, bits)), Ok(ip)) = (entry.split_once('/'), host.parse()) {
                return in_network(ip, network, bits);
            }
            let (entry, wanted) = match entry.rsplit_once(':') {
                Some((entry, digits)) if !entry.contains(':') => (entry, digits.parse().ok()),
                _ => (entry, None),
            };
            if wanted.is_some_and(|wanted: u16| wanted != port) {
                return false;
            }
            let domain = entry
                .trim_start_matches("*.")
                .trim_start_matches('.')
                .to_ascii_lowercase();
            let host = host.to_ascii_lowercase();
            let only_below = entry.starts_with(['.', '*']);
            (host == domain && !only_below)
                || host
                    .strip_suffix(&domain)
                    .is_some_and(|head| head.ends_with('.'))
        })
}

fn in_network(ip: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            ip.to_bits() & mask == network.to_bits() & mask
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            ip.to_bits() & mask == network.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_name_hosts_domains_addresses_and_networks() {
        for (host, list, excepted) in [
            ("a.example.com", "example.com", true),
            ("example.com", "example.com", true),
            ("example.com", ".example.com", false),
            ("a.example.com", "*.example.com", true),
            ("notexample.com", "example.com", false),
            ("10.1.2.3", "10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("11.1.2.3", "0.0.0.0/0", true),
            ("fd00::1", "fd00::/8", true),
            ("example.com", "example.com:8080", false),
            ("example.com", "example.com:443", true),
            ("anything", "a, *", true),
            ("anything", "", false),
        ] {
            assert_eq!(is_excepted(host, 443, list), excepted, "{host} {list}");
        }
    }
}
