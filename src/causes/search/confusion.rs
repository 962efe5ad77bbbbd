//! Tokens counted under another meter: known mistakes, one row each.

use crate::vocabulary::Meter;

/// Cache tokens that an input may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    Reads,
    Writes,
    Both,
}

impl Held {
    pub const ALL: [Held; 3] = [Held::Reads, Held::Writes, Held::Both];

    pub fn holds(self, meter: Meter) -> bool {
        (self != Held::Writes && meter == Meter::CacheRead) || (self != Held::Reads && meter.is_cache_write())
    }
}

/// Two meters that a known mistake confuses.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Confusion {
    pub logged: Meter,
    /// `None`: not charged at all.
    pub charged: Option<Meter>,
    pub cause: &'static str,
    pub words: &'static str,
}

pub static CONFUSIONS: &[Confusion] = &[
    Confusion {
        logged: Meter::CacheRead,
        charged: Some(Meter::Input),
        cause: "cls.cache_read_as_input",
        words: "cache reads charged at the full input rate",
    },
    Confusion {
        logged: Meter::CacheWrite5m,
        charged: Some(Meter::CacheWrite1h),
        cause: "rate.cache_ttl",
        words: "cache writes logged as 5-minute, charged as 1-hour",
    },
    Confusion {
        logged: Meter::CacheWrite1h,
        charged: Some(Meter::CacheWrite5m),
        cause: "rate.cache_ttl",
        words: "cache writes logged as 1-hour, charged as 5-minute",
    },
    Confusion {
        logged: Meter::CacheWriteOther,
        charged: Some(Meter::CacheWrite1h),
        cause: "rate.cache_ttl",
        words: "cache writes of unsaid lifetime charged as 1-hour",
    },
    Confusion {
        logged: Meter::CacheWriteOther,
        charged: Some(Meter::CacheWrite5m),
        cause: "rate.cache_ttl",
        words: "cache writes of unsaid lifetime charged as 5-minute",
    },
    Confusion {
        logged: Meter::InputAudio,
        charged: Some(Meter::Input),
        cause: "cls.modality",
        words: "audio input charged as text",
    },
    Confusion {
        logged: Meter::OutputAudio,
        charged: Some(Meter::Output),
        cause: "cls.modality",
        words: "audio output charged as text",
    },
    Confusion {
        logged: Meter::InputImage,
        charged: Some(Meter::Input),
        cause: "cls.modality",
        words: "image input charged as text",
    },
    Confusion {
        logged: Meter::OutputImage,
        charged: Some(Meter::Output),
        cause: "cls.modality",
        words: "image output charged as text",
    },
    Confusion {
        logged: Meter::OutputReasoning,
        charged: None,
        cause: "cls.reasoning_double",
        words: "reasoning tokens not charged beside the output that holds them",
    },
];
