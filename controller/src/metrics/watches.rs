//! Whether each watch works, and when it was last heard of.

use jiff::Timestamp;
use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};
use sealed_api::names::metrics as names;

use super::Metrics;

#[derive(Clone)]
pub(super) struct Watches {
    up: IntGaugeVec,
    last_event: IntGaugeVec,
    last_list: IntGaugeVec,
}

impl Watches {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGaugeVec::new(Opts::new(name, help), &["namespace", "watch"])?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        Ok(Self {
            up: gauge(
                names::WATCH_UP,
                "Whether a watch works (1) or is refused, unanswered or not begun yet (0).",
            )?,
            last_event: gauge(
                names::WATCH_LAST_EVENT,
                "When a watch last reported a change, in seconds since 1970; 0 if it never did.",
            )?,
            last_list: gauge(
                names::WATCH_LAST_LIST,
                "When a watch last began with a complete list, in seconds since 1970; 0 if it never did.",
            )?,
        })
    }
}

impl Metrics {
    /// The series of one watch, which exist for as long as the returned value does. `namespace` is empty for all.
    pub(crate) fn watch(&self, watch: &'static str, namespace: &str) -> WatchSeries {
        let labels = [namespace, watch];
        WatchSeries {
            up: self.watches.up.with_label_values(&labels),
            last_event: self.watches.last_event.with_label_values(&labels),
            last_list: self.watches.last_list.with_label_values(&labels),
            watches: self.watches.clone(),
            namespace: namespace.to_owned(),
            watch,
        }
    }
}

/// The series of one watch.
pub(crate) struct WatchSeries {
    up: IntGauge,
    last_event: IntGauge,
    last_list: IntGauge,
    watches: Watches,
    namespace: String,
    watch: &'static str,
}

impl WatchSeries {
    /// The watch reported a change.
    pub(crate) fn changed(&self, now: Timestamp) {
        self.up.set(1);
        self.last_event.set(now.as_second());
    }

    /// The watch has listed everything and goes on from there.
    pub(crate) fn listed(&self, now: Timestamp) {
        self.up.set(1);
        self.last_list.set(now.as_second());
    }

    /// The watch works, and there is nothing to report.
    pub(crate) fn works(&self) {
        self.up.set(1);
    }

    /// The watch does not work at the moment.
    pub(crate) fn failed(&self) {
        self.up.set(0);
    }
}

impl Drop for WatchSeries {
    fn drop(&mut self) {
        let Watches {
            up,
            last_event,
            last_list,
        } = &self.watches;
        for gauge in [up, last_event, last_list] {
            // It cannot be missing: this value made it.
            drop(gauge.remove_label_values(&[&self.namespace, self.watch]));
        }
    }
}
