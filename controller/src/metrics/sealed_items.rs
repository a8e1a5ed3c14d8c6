//! `sealed_items_by_key`: one series per key that opens something.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{IntGaugeVec, Opts, Registry};
use sealed_api::names;
use sealed_crypto::Fingerprint;

pub(super) struct SealedItems {
    gauge: IntGaugeVec,
    /// What is shown now: most passes change nothing.
    shown: Mutex<BTreeMap<Fingerprint, u64>>,
}

impl SealedItems {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = IntGaugeVec::new(
            Opts::new(
                names::metrics::SEALED_ITEMS_BY_KEY,
                "Number of sealed values in the cluster by the fingerprint of the key that opens them.",
            ),
            &["fingerprint"],
        )?;
        registry.register(Box::new(gauge.clone()))?;
        Ok(Self {
            gauge,
            shown: Mutex::default(),
        })
    }

    pub(super) fn observed(&self, by_key: &BTreeMap<Fingerprint, u64>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown == *by_key {
            return;
        }
        for gone in shown.keys().filter(|key| !by_key.contains_key(key)) {
            self.gauge
                .remove_label_values(&[&gone.to_string()])
                .expect("the map lists only series that were set, under the same lock");
        }
        for (key, count) in by_key {
            self.gauge
                .with_label_values(&[&key.to_string()])
                .set(i64::try_from(*count).unwrap_or(i64::MAX));
        }
        shown.clone_from(by_key);
    }
}

#[cfg(test)]
mod tests {
    use prometheus::core::Collector as _;
    use prometheus::proto::MetricFamily;

    use super::*;

    #[test]
    fn a_key_that_opens_nothing_any_more_has_no_series() {
        let items = SealedItems::register(&Registry::new()).unwrap();
        let key = |letter: char| -> Fingerprint {
            let text = format!("SHA256:{letter}{}", "A".repeat(42));
            text.parse().unwrap()
        };
        let shown = || -> Vec<(String, f64)> {
            let families = items.gauge.collect();
            let series = families.iter().flat_map(MetricFamily::get_metric);
            let mut shown: Vec<_> = series
                .map(|one| {
                    let name = one.get_label()[0].value().to_owned();
                    (name, one.get_gauge().get_value())
                })
                .collect();
            shown.sort_by(|a, b| a.0.cmp(&b.0));
            shown
        };
        let (a, b) = (key('A'), key('B'));
        items.observed(&[(a, 2), (b, 1)].into());
        assert_eq!(shown(), [(a.to_string(), 2.0), (b.to_string(), 1.0)]);
        items.observed(&[(b, 3)].into());
        assert_eq!(shown(), [(b.to_string(), 3.0)]);
    }
}
