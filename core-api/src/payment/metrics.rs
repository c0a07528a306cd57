//! What operators see of payments. Labels come from closed lists.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Counters of payments. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PaymentMetrics {
    pub(super) outcomes: IntCounterVec,
    pub(super) replays: IntCounter,
    alarms: IntCounterVec,
}

/// What a person must look at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Alarm {
    AmountMismatch,
    OtherPayment,
    Parked,
    ApprovedElsewhere,
}

impl Alarm {
    fn as_str(self) -> &'static str {
        match self {
            Self::AmountMismatch => "amount_mismatch",
            Self::OtherPayment => "other_payment",
            Self::Parked => "parked",
            Self::ApprovedElsewhere => "approved_elsewhere",
        }
    }
}

impl PaymentMetrics {
    /// Makes and registers the counters.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let outcomes = Opts::new(
            "fluxpay_payments_total",
            "Moves of payments, by the state they led to.",
        );
        let alarms = Opts::new(
            "fluxpay_alarms_total",
            "Contradictions with a PSP that a person must look at.",
        );
        let metrics = Self {
            outcomes: IntCounterVec::new(outcomes, &["outcome"])?,
            replays: IntCounter::new(
                "fluxpay_idempotent_replays_total",
                "Requests answered from an earlier one.",
            )?,
            alarms: IntCounterVec::new(alarms, &["alarm"])?,
        };
        registry.register(Box::new(metrics.outcomes.clone()))?;
        registry.register(Box::new(metrics.replays.clone()))?;
        registry.register(Box::new(metrics.alarms.clone()))?;
        Ok(metrics)
    }

    /// Calls for a person, in the log and in the metric.
    pub(super) fn alarm(&self, alarm: Alarm, payment: &str, detail: &str) {
        self.alarms.with_label_values(&[alarm.as_str()]).inc();
        tracing::error!(
            alarm = alarm.as_str(),
            payment,
            detail,
            "a payment contradicts its PSP"
        );
    }
}
