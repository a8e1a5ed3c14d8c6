//! What a number of SealedSecrets costs: arithmetic over costs that were measured for one, for docs/scale.md.
//!
//! Nothing is run here. The figures for one object come from runs of this program and of the tests on a 2-core machine
//! without AVX512-IFMA; on others they differ, and so does everything that follows from them in proportion.

use std::fmt::Write as _;
use std::time::Duration;

/// What one object costs, and what there is to pay with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    /// Values of a SealedSecret.
    values: f64,
    /// CPU of one RSA-4096 decrypt, in seconds.
    decrypt: f64,
    /// CPU of the controller for one object besides decrypts: decoding, planning, four requests.
    own: f64,
    /// CPU of API server and etcd to bring one object into sync.
    server: f64,
    /// What the controller remembers of one object, in bytes.
    memory: f64,
    /// The controller's memory without any object, in bytes.
    base_memory: f64,
    /// Size of a stored SealedSecret: values of 0.75 KB each, metadata, status.
    object: f64,
    /// Size of its stored Secret.
    secret: f64,
    /// Cores of the controller, and of the API server and etcd.
    cores: f64,
}

/// CPU of one RSA-4096 decrypt where the processor has AVX512-IFMA.
const DECRYPT_WITH_IFMA: f64 = 0.0017;
/// Requests to bring one object into sync: look for the Secret, create it, write the status, record the event.
const REQUESTS: f64 = 4.0;
/// SealedSecrets and Secrets to a page of a list.
const PAGES: [f64; 2] = [25.0, 100.0];
/// Every object is looked at this often, news or none.
const RESYNC: f64 = 10.0 * 3600.0;

const KIB: f64 = 1024.0;
const GIB: f64 = KIB * KIB * KIB;

impl Model {
    /// The measured one.
    pub(crate) const MEASURED: Self = Self {
        values: 3.0,
        decrypt: 0.0045,
        own: 0.003,
        server: 0.006,
        memory: 2.65 * KIB,
        base_memory: 18.7 * KIB * KIB,
        object: 4.0 * KIB,
        secret: 1.0 * KIB,
        cores: 2.0,
    };

    /// CPU that the controller needs for one object.
    fn cpu(&self) -> f64 {
        self.values * self.decrypt + self.own
    }

    /// Objects a second, when both sides have [`Self::cores`]: whoever is slower decides.
    fn throughput(&self) -> f64 {
        self.cores / self.cpu().max(self.server)
    }

    fn row(&self, objects: f64) -> [String; 8] {
        let pages = objects / PAGES[0] + objects / PAGES[1];
        [
            count(objects),
            time(objects * self.values * self.decrypt),
            time(objects * self.server),
            time(objects / self.throughput()),
            count(objects * REQUESTS),
            count(pages.ceil()),
            format!("{:.2}", objects / RESYNC),
            bytes(self.base_memory + objects * self.memory),
        ]
    }

    /// The table, and where it ends.
    pub(crate) fn render(&self) -> String {
        let heads = [
            "SealedSecrets",
            "decrypts, CPU",
            "API server and etcd, CPU",
            "cold start",
            "requests of it",
            "pages of both lists",
            "resync, requests/s",
            "memory",
        ];
        let mut text = row(&heads.map(str::to_owned));
        text += &row(&heads.map(|_| "--:".to_owned()));
        for objects in [1e3, 1e4, 1e5, 1e6] {
            text += &row(&self.row(objects));
        }
        let stored = self.object + self.secret;
        let mut line = |what: &str, figure: String| {
            writeln!(text, "| {what} | {figure} |").expect("writing to a String never fails");
        };
        line("\nEnds of one leader", "where".to_owned());
        line("---", "--:".to_owned());
        line(
            "changes it keeps up with for ever",
            format!("{:.0} objects/s", self.throughput()),
        );
        let faster = Self {
            decrypt: DECRYPT_WITH_IFMA,
            ..*self
        };
        line(
            "the same with AVX512-IFMA",
            format!("{:.0} objects/s", faster.throughput()),
        );
        for (what, quota) in [
            ("etcd's default quota of 2 GiB", 2.0),
            ("the 8 GiB that etcd recommends at most", 8.0),
        ] {
            line(
                what,
                format!("{} objects", count(significant(quota * GIB / stored))),
            );
        }
        text.replace("| \nEnds", "\n| Ends")
    }
}

fn row<const N: usize>(cells: &[String; N]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// Two digits: the rest is chance.
fn significant(value: f64) -> f64 {
    let unit = 10_f64.powf(value.log10().floor() - 1.0);
    (value / unit).round() * unit
}

/// Thousands apart.
fn count(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn time(seconds: f64) -> String {
    let span = Duration::from_secs_f64(seconds).as_secs_f64();
    match span {
        ..120.0 => format!("{span:.0} s"),
        ..7200.0 => format!("{:.0} min", span / 60.0),
        _ => format!("{:.1} h", span / 3600.0),
    }
}

fn bytes(value: f64) -> String {
    let mib = value / KIB / KIB;
    if mib < KIB {
        format!("{mib:.0} MiB")
    } else {
        format!("{:.1} GiB", mib / KIB)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_what_is_printed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scale.md");
        let page = std::fs::read_to_string(path).unwrap();
        let printed = Model::MEASURED.render();
        assert!(
            page.contains(&printed),
            "`bench scale` prints something else than docs/scale.md holds:\n{printed}"
        );
    }

    #[test]
    fn figures_are_rounded_as_people_read_them() {
        assert_eq!(count(1_234_567.0), "1,234,567");
        assert_eq!(count(significant(1_677_721.6)), "1,700,000");
        assert_eq!(time(13.5), "14 s");
        assert_eq!(time(600.0), "10 min");
        assert_eq!(bytes(1.5 * GIB), "1.5 GiB");
    }
}
