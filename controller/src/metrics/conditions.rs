//! `condition_info`: one series per object and condition, and none that is out of date.
//!
//! A series is made when somebody asks: a gauge for each, kept between scrapes, takes a kilobyte, and with thousands of
//! objects that would be most of what this process holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::core::{Collector, Desc, Describer as _};
use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Opts, Registry};
use sealed_api::{Condition, names};

use crate::object_key::ObjectKey;

const HELP: &str =
    "Current SealedSecret condition status. Values are -1 (false), 0 (unknown or absent), 1 (true)";

/// Whoever may write a status may put as many conditions there as fit: of one object so many are shown.
const MOST: usize = 16;

/// The longest type of a condition that Kubernetes' own schema allows.
const LONGEST_TYPE: usize = 316;

/// What is shown of one object: the label values besides namespace and name, each with the value. Nearly always that is
/// `Synced` alone, which allocates nothing.
struct Shown {
    instance: Box<str>,
    synced: Option<i8>,
    others: Box<[(Box<str>, i8)]>,
}

impl Shown {
    fn conditions(&self) -> impl Iterator<Item = (&str, i8)> {
        let others = self.others.iter().map(|(type_, value)| (&**type_, *value));
        let synced = self.synced.map(|value| (names::conditions::SYNCED, value));
        synced.into_iter().chain(others)
    }
}

/// By namespace and name: thousands share a namespace.
type All = BTreeMap<Box<str>, BTreeMap<Box<str>, Shown>>;

#[derive(Clone)]
pub(super) struct ConditionInfo {
    desc: Arc<Desc>,
    all: Arc<Mutex<All>>,
}

impl ConditionInfo {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let labels = [
            "namespace",
            "name",
            "condition",
            "ss_app_kubernetes_io_instance",
        ];
        let info = Self {
            desc: Arc::new(
                Opts::new(names::metrics::CONDITION_INFO, HELP)
                    .variable_labels(labels.map(str::to_owned).to_vec())
                    .describe()?,
            ),
            all: Arc::default(),
        };
        registry.register(Box::new(info.clone()))?;
        Ok(info)
    }

    pub(super) fn observed(&self, key: &ObjectKey, instance: &str, conditions: &[Condition]) {
        let mut shown: BTreeMap<&str, i8> = conditions
            .iter()
            .filter(|condition| is_exported(&condition.type_))
            .take(MOST)
            .map(|condition| (condition.type_.as_str(), value(condition)))
            .collect();
        let shown = Shown {
            instance: instance.into(),
            synced: shown.remove(names::conditions::SYNCED),
            others: shown
                .into_iter()
                .map(|(type_, value)| (type_.into(), value))
                .collect(),
        };
        let mut all = self.all();
        if let Some(namespace) = all.get_mut(key.namespace.as_str()) {
            namespace.insert(key.name.as_str().into(), shown);
        } else {
            let name = key.name.as_str().into();
            all.insert(
                key.namespace.as_str().into(),
                BTreeMap::from([(name, shown)]),
            );
        }
    }

    pub(super) fn gone(&self, key: &ObjectKey) {
        let mut all = self.all();
        if let Some(namespace) = all.get_mut(key.namespace.as_str()) {
            namespace.remove(key.name.as_str());
            if namespace.is_empty() {
                all.remove(key.namespace.as_str());
            }
        }
    }

    /// Drops every series.
    pub(super) fn clear(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for ConditionInfo {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let all = self.all();
        let mut metrics = Vec::new();
        for (namespace, objects) in all.iter() {
            for (name, shown) in objects {
                let labels = |condition| [&**namespace, &**name, condition, &*shown.instance];
                metrics.extend(shown.conditions().map(|(condition, value)| {
                    series(&self.desc.variable_labels, labels(condition), value)
                }));
            }
        }
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(MetricType::GAUGE);
        family.set_metric(metrics);
        vec![family]
    }
}

fn series(names: &[String], values: [&str; 4], value: i8) -> Metric {
    let pairs = names.iter().zip(values).map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.clone());
        pair.set_value(value.to_owned());
        pair
    });
    let mut pairs: Vec<LabelPair> = pairs.collect();
    // As the library orders those of its own.
    pairs.sort_by(|a, b| a.name().cmp(b.name()));
    let mut gauge = Gauge::default();
    gauge.set_value(f64::from(value));
    let mut metric = Metric::from_gauge(gauge);
    metric.set_label(pairs);
    metric
}

fn value(condition: &Condition) -> i8 {
    match condition.status.as_str() {
        names::conditions::TRUE => 1,
        names::conditions::FALSE => -1,
        _ => 0,
    }
}

/// Our own conditions beside `Synced` repeat it in other words: as series they would be a second alert for the same fault.
fn is_exported(condition: &str) -> bool {
    use names::conditions::{READY, RECONCILING, SETTLED, STALLED};
    let is_type = condition.len() <= LONGEST_TYPE
        && condition
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    is_type && ![READY, RECONCILING, SETTLED, STALLED].contains(&condition)
}

#[cfg(test)]
mod tests {
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
        let mut all: Vec<String> = info.collect()[0]
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

    /// The status is whatever whoever may write it likes.
    #[test]
    fn a_crowd_of_conditions_is_not_shown() {
        let info = info();
        let mut conditions: Vec<_> = (0..40_000)
            .map(|number| condition(&format!("a{number}"), "True"))
            .collect();
        conditions.insert(0, synced());
        conditions.insert(1, condition("no type\n", "True"));
        conditions.insert(1, condition(&"a".repeat(1000), "True"));
        info.observed(&key(), "", &conditions);
        let series = series(&info);
        assert_eq!(series.len(), MOST);
        assert!(series.contains(&"Synced/=1".to_owned()), "{series:?}");
    }
}
