//! `condition_info`: one series per object and condition, and none that is out of date.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use prometheus::{IntGaugeVec, Opts, Registry};

/// One condition of a status, as far as the metric needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedCondition<'a> {
    /// The condition's type, such as `Synced`.
    pub type_: &'a str,
    /// The condition's status: `True`, `False` or anything else.
    pub status: &'a str,
}

/// What is shown of one object: the label values besides namespace and name.
#[derive(Default)]
struct Shown {
    instance: String,
    conditions: BTreeSet<String>,
}

pub(super) struct ConditionInfo {
    gauge: IntGaugeVec,
    /// The series that exist, by namespace and name: removing one takes its exact labels.
    shown: Mutex<BTreeMap<(String, String), Shown>>,
}

impl ConditionInfo {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = IntGaugeVec::new(
            Opts::new(
                "condition_info",
                "Current SealedSecret condition status. Values are -1 (false), 0 (unknown or absent), 1 (true)",
            )
            .namespace("sealed_secrets_controller"),
            &["namespace", "name", "condition", "ss_app_kubernetes_io_instance"],
        )?;
        registry.register(Box::new(gauge.clone()))?;
        Ok(Self {
            gauge,
            shown: Mutex::default(),
        })
    }

    pub(super) fn observed(
        &self,
        namespace: &str,
        name: &str,
        instance: &str,
        conditions: &[ObservedCondition<'_>],
    ) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = shown
            .entry((namespace.to_owned(), name.to_owned()))
            .or_default();
        let mut current = BTreeSet::new();
        for condition in conditions.iter().filter(|c| is_exported(c.type_)) {
            self.gauge
                .with_label_values(&[namespace, name, condition.type_, instance])
                .set(match condition.status {
                    "True" => 1,
                    "False" => -1,
                    _ => 0,
                });
            current.insert(condition.type_.to_owned());
        }
        for stale in &shown.conditions {
            if shown.instance != instance || !current.contains(stale) {
                self.remove(namespace, name, stale, &shown.instance);
            }
        }
        *shown = Shown {
            instance: instance.to_owned(),
            conditions: current,
        };
    }

    pub(super) fn gone(&self, namespace: &str, name: &str) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shown) = shown.remove(&(namespace.to_owned(), name.to_owned())) {
            for condition in &shown.conditions {
                self.remove(namespace, name, condition, &shown.instance);
            }
        }
    }

    fn remove(&self, namespace: &str, name: &str, condition: &str, instance: &str) {
        self.gauge
            .remove_label_values(&[namespace, name, condition, instance])
            .expect("the map lists only series that were set, under the same lock");
    }
}

/// Our own conditions beside `Synced` repeat it in other words: as series they would be a second alert for the same fault.
fn is_exported(condition: &str) -> bool {
    !["Ready", "Reconciling", "Stalled", "Settled"].contains(&condition)
}

#[cfg(test)]
mod tests {
    use prometheus::core::Collector;

    use super::*;

    const SYNCED: ObservedCondition<'static> = ObservedCondition {
        type_: "Synced",
        status: "True",
    };

    fn info() -> ConditionInfo {
        ConditionInfo::register(&Registry::new()).unwrap()
    }

    /// `condition/instance=value` of every series.
    fn series(info: &ConditionInfo) -> Vec<String> {
        let mut all: Vec<String> = info.gauge.collect()[0]
            .get_metric()
            .iter()
            .map(|metric| {
                let label = |name| {
                    let pair = metric.get_label().iter().find(|l| l.name() == name);
                    pair.unwrap().value().to_owned()
                };
                format!(
                    "{}/{}={}",
                    label("condition"),
                    label("ss_app_kubernetes_io_instance"),
                    metric.get_gauge().get_value()
                )
            })
            .collect();
        all.sort();
        all
    }

    #[test]
    fn values_are_minus_one_zero_and_one() {
        let info = info();
        let with = |type_, status| ObservedCondition { type_, status };
        info.observed(
            "ns",
            "a",
            "",
            &[
                with("Synced", "False"),
                with("Foreign", "Unknown"),
                with("Other", "True"),
            ],
        );
        assert_eq!(series(&info), ["Foreign/=0", "Other/=1", "Synced/=-1"]);
    }

    #[test]
    fn a_changed_instance_label_leaves_no_stale_series() {
        let info = info();
        info.observed("ns", "a", "blue", &[SYNCED]);
        info.observed("ns", "a", "green", &[SYNCED]);
        assert_eq!(series(&info), ["Synced/green=1"]);
    }

    #[test]
    fn a_lost_condition_and_a_deleted_object_leave_no_series() {
        let info = info();
        let foreign = ObservedCondition {
            type_: "Foreign",
            status: "True",
        };
        info.observed("ns", "a", "", &[SYNCED, foreign]);
        info.observed("ns", "a", "", &[SYNCED]);
        assert_eq!(series(&info), ["Synced/=1"]);
        info.gone("ns", "a");
        info.gone("ns", "never-seen");
        assert!(series(&info).is_empty());
    }

    #[test]
    fn our_own_extra_conditions_stay_out() {
        let info = info();
        let ready = ObservedCondition {
            type_: "Ready",
            status: "False",
        };
        info.observed("ns", "a", "", &[SYNCED, ready]);
        assert_eq!(series(&info), ["Synced/=1"]);
    }
}
