//! Hours of the week in which downloads go slower, or rest. Pure: time is what it is told.

use jiff::{Span, Timestamp, ZonedDateTime, civil::Weekday, tz::TimeZone};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

const MINUTES: u16 = 24 * 60;

/// Hours of the week, by the clock of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Timetable {
    /// Monday to Sunday: on which days the hours begin.
    pub days: [bool; 7],
    /// Minutes after midnight, 0–1439.
    pub from: u16,
    /// Minutes after midnight, 0–1439; at or before `from` it is on the next day.
    pub to: u16,
    /// Bytes per second over all pulls meanwhile; null lets downloads rest.
    pub limit: Option<u64>,
}

/// What the timetable says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hours {
    /// Whether these are its hours.
    pub(crate) now: bool,
    /// When that changes; none where it never does.
    pub(crate) until: Option<Timestamp>,
}

impl Timetable {
    /// Whether it can be kept to.
    pub(crate) const fn is_sound(&self) -> bool {
        self.from < MINUTES && self.to < MINUTES
    }

    /// What it says at an instant, by the clock of a time zone.
    pub(crate) fn at(&self, now: Timestamp, zone: &TimeZone) -> Hours {
        let now = now.to_zoned_datetime(zone.clone());
        let today = self.holds(&now);
        Hours {
            now: today,
            until: self.change(&now, today).map(|then| then.timestamp()),
        }
    }

    fn holds(&self, now: &ZonedDateTime) -> bool {
        let minute = minute_of(now);
        let day = index_of(now.weekday());
        let before = (day + 6) % 7;
        if self.from < self.to {
            return self.days[day] && (self.from..self.to).contains(&minute);
        }
        // Over midnight: the evening of today's hours, or the morning of yesterday's.
        (self.days[day] && minute >= self.from) || (self.days[before] && minute < self.to)
    }

    /// The next time at which it says otherwise than `today`, within eight days: only at its own two
    /// times of a day, and at midnight.
    fn change(&self, now: &ZonedDateTime, today: bool) -> Option<ZonedDateTime> {
        let midnight = now.start_of_day().ok()?;
        let mut times = [0, self.from, self.to];
        times.sort_unstable();
        (0..=8)
            .flat_map(|days| times.map(|minutes| (days, minutes)))
            .filter_map(|(days, minutes)| {
                let day = midnight.checked_add(Span::new().days(days)).ok()?;
                let time = day.date().at(
                    i8::try_from(minutes / 60).ok()?,
                    i8::try_from(minutes % 60).ok()?,
                    0,
                    0,
                );
                time.to_zoned_datetime(now.time_zone().clone()).ok()
            })
            .find(|then| then > now && self.holds(then) != today)
    }
}

fn minute_of(now: &ZonedDateTime) -> u16 {
    u16::try_from(i32::from(now.hour()) * 60 + i32::from(now.minute())).unwrap_or_default()
}

fn index_of(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORKDAYS: [bool; 7] = [true, true, true, true, true, false, false];

    fn table(days: [bool; 7], from: u16, to: u16) -> Timetable {
        Timetable {
            days,
            from,
            to,
            limit: None,
        }
    }

    fn at(table: &Timetable, when: &str) -> (bool, Option<String>) {
        let now: ZonedDateTime = when.parse().expect("a time");
        let hours = table.at(now.timestamp(), now.time_zone());
        let until = hours.until.map(|until| {
            until
                .to_zoned_datetime(now.time_zone().clone())
                .datetime()
                .to_string()
        });
        (hours.now, until)
    }

    #[test]
    fn the_hours_of_workdays_hold_on_workdays() {
        let office = table(WORKDAYS, 9 * 60, 17 * 60 + 30);
        for (when, now, until) in [
            (
                "2026-11-26T08:59:59[Europe/Berlin]",
                false,
                "2026-11-26T09:00:00",
            ),
            (
                "2026-11-26T09:00:00[Europe/Berlin]",
                true,
                "2026-11-26T17:30:00",
            ),
            (
                "2026-11-27T17:30:00[Europe/Berlin]",
                false,
                "2026-11-30T09:00:00",
            ),
            (
                "2026-11-29T12:00:00[Europe/Berlin]",
                false,
                "2026-11-30T09:00:00",
            ),
        ] {
            assert_eq!(at(&office, when), (now, Some(until.to_owned())), "{when}");
        }
    }

    #[test]
    fn a_night_goes_over_midnight_and_belongs_to_the_day_it_began_on() {
        let friday = [false, false, false, false, true, false, false];
        let night = table(friday, 22 * 60, 6 * 60);
        assert_eq!(
            at(&night, "2026-11-27T23:00:00[Europe/Berlin]"),
            (true, Some("2026-11-28T06:00:00".to_owned()))
        );
        assert!(at(&night, "2026-11-28T05:59:00[Europe/Berlin]").0);
        assert!(!at(&night, "2026-11-27T05:00:00[Europe/Berlin]").0);
    }

    #[test]
    fn always_and_never_do_not_change() {
        assert_eq!(
            at(&table([true; 7], 0, 0), "2026-11-27T23:00:00[UTC]"),
            (true, None)
        );
        assert_eq!(
            at(&table([false; 7], 5, 9), "2026-11-27T23:00:00[UTC]"),
            (false, None)
        );
    }

    proptest! {
        #[test]
        fn it_says_the_same_until_it_changes(
            days in any::<[bool; 7]>(), from in 0u16..1440, to in 0u16..1440, at in 0i64..3_000_000_000, part in 0.0f64..1.0,
        ) {
            let table = table(days, from, to);
            let zone = TimeZone::get("Europe/Berlin").expect("a zone");
            let now = Timestamp::from_second(at).expect("in range");
            let hours = table.at(now, &zone);
            if let Some(until) = hours.until {
                prop_assert!(until > now);
                prop_assert_ne!(table.at(until, &zone).now, hours.now);
                let between = now.as_second() + ((until.as_second() - now.as_second()) as f64 * part) as i64;
                let between = Timestamp::from_second(between.min(until.as_second() - 1)).expect("in range");
                prop_assert_eq!(table.at(between, &zone).now, hours.now);
            }
        }
    }
}
