//! The printed table.

use std::fmt::Write as _;
use std::time::Duration;

use crate::measure::Cost;

/// One scenario measured on both sides.
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) ours: Cost,
    pub(crate) upstream: Cost,
}

/// Renders the rows, upstream ÷ ours as the ratio: above 1 is in our favour.
pub(crate) fn render(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<34} {:<12} {:>12} {:>12} {:>10}\n",
        "scenario", "figure", "ours", "upstream", "ratio"
    );
    for row in rows {
        let figures = [
            (
                "wall",
                duration(row.ours.wall),
                duration(row.upstream.wall),
                ratio(row.ours.wall.as_secs_f64(), row.upstream.wall.as_secs_f64()),
            ),
            (
                "CPU",
                duration(row.ours.cpu),
                duration(row.upstream.cpu),
                ratio(row.ours.cpu.as_secs_f64(), row.upstream.cpu.as_secs_f64()),
            ),
            (
                "peak memory",
                memory(row.ours.peak_kib),
                memory(row.upstream.peak_kib),
                ratio(as_f64(row.ours.peak_kib), as_f64(row.upstream.peak_kib)),
            ),
        ];
        for (at, (figure, ours, upstream, ratio)) in figures.into_iter().enumerate() {
            let scenario = if at == 0 { row.scenario.as_str() } else { "" };
            writeln!(
                text,
                "{scenario:<34} {figure:<12} {ours:>12} {upstream:>12} {ratio:>10}"
            )
            .expect("writing to a String cannot fail");
        }
    }
    text
}

/// A duration with the unit that leaves three digits.
pub(crate) fn duration(value: Duration) -> String {
    let seconds = value.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 0.001 {
        format!("{:.2} ms", seconds * 1e3)
    } else {
        format!("{:.1} µs", seconds * 1e6)
    }
}

/// Mebibytes.
pub(crate) fn memory(kib: u64) -> String {
    format!("{:.1} MiB", as_f64(kib) / 1024.0)
}

fn ratio(ours: f64, upstream: f64) -> String {
    if ours > 0.0 {
        format!("{:.1}×", upstream / ours)
    } else {
        "-".to_owned()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "kibibytes of one process fit 52 bits"
)]
fn as_f64(kib: u64) -> f64 {
    kib as f64
}
