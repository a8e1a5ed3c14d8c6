//! `condition_info`: one series per object and condition, and none that is out of date.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use prometheus::{IntGaugeVec, Opts, Registry};
use sealed_api::{Condition, names};

use crate::object_key::ObjectKey;

/// What is shown of one object: the label values besides namespace and name.
#[derive(Default)]
struct Shown {
    instance: String,
    conditions: BTreeSet<String>,
}

pub(super) struct ConditionInfo {
    gauge: IntGaugeVec,
    /// The series that exist, by object: removing one takes its exact labels.
    shown: Mutex<BTreeMap<ObjectKey, Shown>>,
}

impl ConditionInfo {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = IntGaugeVec::new(
            Opts::new(
                names::metrics::CONDITION_INFO,
                "Current SealedSecret condition status. Values are -1 (false), 0 (unknown or absent), 1 (true)",
            ),
            &[
                "namespace",
                "name",
                "condition",
                "ss_app_kubernetes_io_instance",
            ],
        )?;
        registry.register(Box::new(gauge.clone()))?;
        Ok(Self {
            gauge,
            shown: Mutex::default(),
        })
    }

    pub(super) fn observed(&self, key: &ObjectKey, instance: &str, conditions: &[Condition]) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = shown.entry(key.clone()).or_default();
        let mut current = BTreeSet::new();
        for condition in conditions.iter().filter(|c| is_exported(&c.type_)) {
            self.gauge
                .with_label_values(&[&key.namespace, &key.name, &condition.type_, instance])
                .set(match condition.status.as_str() {
                    names::conditions::TRUE => 1,
                    names::conditions::FALSE => -1,
                    _ => 0,
                });
            current.insert(condition.type_.clone());
        }
        for stale in &shown.conditions {
            if shown.instance != instance || !current.contains(stale) {
                self.remove(key, stale, &shown.instance);
            }
        }
        *shown = Shown {
            instance: instance.to_owned(),
            conditions: current,
        };
    }

    pub(super) fn gone(&self, key: &ObjectKey) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shown) = shown.remove(key) {
            for condition in &shown.conditions {
                self.remove(key, condition, &shown.instance);
            }
        }
    }

    /// Drops every series.
    pub(super) fn clear(&self) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.clear();
        self.gauge.reset();
    }

    fn remove(&self, key: &ObjectKey, condition: &str, instance: &str) {
        self.gauge
            .remove_label_values(&[&key.namespace, &key.name, condition, instance])
            .expect("the map lists only series that were set, under the same lock");
    }
}

/// Our own conditions beside `Synced` repeat it in other words: as series they would be a second alert for the same fault.
fn is_exported(condition: &str) -> bool {
    use names::conditions::{READY, RECONCILING, SETTLED, STALLED};
    ![READY, RECONCILING, SETTLED, STALLED].contains(&condition)
}

#[cfg(test)]
mod tests {
    use prometheus::core::Collector;

    use super::*;

    fn info() -> ConditionInfo {
        ConditionInfo::register(&Registry::new()).unwrap()
    }

    fn key() -> ObjectKey {
        ObjectKey::new("ns", "a")
    }

    fn condition(type_: &str, status: &str) -> Condition {
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            ..Condition::default()
        }
    }

    fn synced() -> Condition {
        condition("Synced", "True")
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
        let conditions = [
            condition("Synced", "False"),
            condition("Foreign", "Unknown"),
            condition("Other", "True"),
        ];
        info.observed(&key(), "", &conditions);
        assert_eq!(series(&info), ["Foreign/=0", "Other/=1", "Synced/=-1"]);
    }

    #[test]
    fn a_changed_instance_label_leaves_no_stale_series() {
        let info = info();
        info.observed(&key(), "blue", &[synced()]);
        info.observed(&key(), "green", &[synced()]);
        assert_eq!(series(&info), ["Synced/green=1"]);
    }

    #[test]
    fn a_lost_condition_and_a_deleted_object_leave_no_series() {
        let info = info();
        info.observed(&key(), "", &[synced(), condition("Foreign", "True")]);
        info.observed(&key(), "", &[synced()]);
        assert_eq!(series(&info), ["Synced/=1"]);
        info.gone(&key());
        info.gone(&ObjectKey::new("ns", "never-seen"));
        assert!(series(&info).is_empty());
    }

    #[test]
    fn our_own_extra_conditions_stay_out() {
        let info = info();
        info.observed(&key(), "", &[synced(), condition("Ready", "False")]);
        assert_eq!(series(&info), ["Synced/=1"]);
    }
}
