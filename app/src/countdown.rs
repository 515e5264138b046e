//! Time as the server has it, what the clock shows, and what is said aloud and when.
//!
//! The shown time is never longer than the truth. Not here: the device's clocks (`browser.rs` reads
//! them and passes them in), and the element that shows the time (`components/countdown_clock.rs`).

use shared::Timestamp;

/// A key pressed this recently in a text field means that somebody is typing.
const QUIET_MS: i64 = 3_000;
/// The longest that typing may hold back an ordinary reminder.
const PATIENCE_MS: i64 = 20_000;
/// The longest that typing may hold back a reminder of the last minute.
const LAST_MINUTE_PATIENCE_MS: i64 = 5_000;
/// Wall clock and steady clock may differ by this much before we call it a jump.
const JUMP_MS: i64 = 2_000;
/// A socket's greeting that is this far behind comes from another clock, not over a slow line.
const OTHER_CLOCK_MS: i64 = 2_000;

/// The server's clock, kept on the browser's steady clock, so that changing the device's time
/// changes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerClock {
    /// Server time minus steady time; `None` until the server has said something.
    offset_ms: Option<i64>,
    /// Wall clock minus steady clock at the last look.
    skew_ms: Option<i64>,
}

impl ServerClock {
    /// An HTTP answer: counted from the moment of asking, so that latency shortens what is shown.
    pub const fn answered(&mut self, server_now: Timestamp, asked_at_ms: i64) {
        self.offset_ms = Some(server_now.0 - asked_at_ms);
    }

    /// A push: its latency errs towards longer, so it may only move the clock forwards.
    pub fn pushed(&mut self, server_now: Timestamp, arrived_at_ms: i64) {
        let offset_ms = server_now.0 - arrived_at_ms;
        self.offset_ms = Some(self.offset_ms.map_or(offset_ms, |known| known.max(offset_ms)));
    }

    /// The first frame of a socket: another machine may be serving now, whose clock is behind the one
    /// that we knew. Believing the old one would end a hold that the server still keeps.
    pub fn greeted(&mut self, server_now: Timestamp, arrived_at_ms: i64) {
        let offset_ms = server_now.0 - arrived_at_ms;
        if self.offset_ms.is_some_and(|known| offset_ms < known - OTHER_CLOCK_MS) {
            self.offset_ms = Some(offset_ms);
        } else {
            self.pushed(server_now, arrived_at_ms);
        }
    }

    /// The server's time at this moment of the steady clock; zero while nothing is known.
    #[must_use]
    pub fn now(&self, steady_ms: i64) -> Timestamp {
        self.offset_ms.map_or(Timestamp(0), |offset_ms| Timestamp(steady_ms + offset_ms))
    }

    /// True when one of the device's clocks jumped since the last look: it slept, or somebody set it.
    pub fn has_jumped(&mut self, wall_ms: i64, steady_ms: i64) -> bool {
        let skew_ms = wall_ms - steady_ms;
        let before = self.skew_ms.replace(skew_ms);
        before.is_some_and(|before| JUMP_MS < (skew_ms - before).abs())
    }
}

/// Whole seconds until `until`, rounded down; zero when it has passed.
#[must_use]
pub fn seconds_left(until: Timestamp, now: Timestamp) -> i64 {
    (until.ms_since(now) / 1000).max(0)
}

/// The seen clock: `14:59`, or `1:02:03` above an hour.
#[must_use]
pub fn digits(seconds: i64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 {
        format!("{minutes}:{rest:02}")
    } else {
        format!("{hours}:{minutes:02}:{rest:02}")
    }
}

/// The read clock: changes once a minute.
#[must_use]
pub fn sentence(seconds: i64) -> String {
    match seconds {
        ..=0 => "No time left to pay".to_owned(),
        1..=59 => "Less than a minute left to pay".to_owned(),
        60..=119 => "1 minute left to pay".to_owned(),
        _ => format!("{} minutes left to pay", seconds / 60),
    }
}

/// How much the clock should stand out. Always beside words, never instead of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressure {
    /// More than five minutes.
    Calm,
    /// Five minutes or less.
    Soon,
    /// One minute or less.
    Now,
}

/// The pressure at so many seconds before the end.
#[must_use]
pub const fn pressure(seconds: i64) -> Pressure {
    match seconds {
        ..=60 => Pressure::Now,
        61..=300 => Pressure::Soon,
        _ => Pressure::Calm,
    }
}

/// The moments worth saying something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Start,
    FiveMinutes,
    TwoMinutes,
    OneMinute,
    HalfMinute,
    End,
}

const fn mark_at(seconds: i64) -> Mark {
    match seconds {
        ..=0 => Mark::End,
        1..=30 => Mark::HalfMinute,
        31..=60 => Mark::OneMinute,
        61..=120 => Mark::TwoMinutes,
        121..=300 => Mark::FiveMinutes,
        _ => Mark::Start,
    }
}

/// What the schedule needs to know at one tick.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Whole seconds until the hold is shown to end.
    pub seconds_left: i64,
    /// The steady clock.
    pub steady_ms: i64,
    /// When a key was last pressed in a text field, on the steady clock.
    pub last_key_ms: Option<i64>,
    /// The tab cannot be seen.
    pub is_hidden: bool,
    /// The "Time reminders" switch.
    pub reminders: bool,
    /// More time can be had.
    pub extendable: bool,
}

/// One thing to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reminder {
    pub text: String,
    /// Interrupts what is being read.
    pub assertive: bool,
}

/// Remembers what was said about one hold, so that nothing is said twice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Schedule {
    until: Timestamp,
    reached: Option<Mark>,
    /// What waits to be said, and since when.
    due: Option<(Mark, i64)>,
}

impl Schedule {
    /// What to say now about the hold that ends at `until`; mostly nothing.
    pub fn step(&mut self, until: Timestamp, moment: &Moment) -> Option<Reminder> {
        let mark = mark_at(moment.seconds_left);
        // Who wants no reminders is told of the last minute and of the end all the same.
        let before = self.reached.unwrap_or(Mark::Start);
        let enters_last_minute = before < Mark::OneMinute && Mark::OneMinute <= mark;
        let is_said = moment.reminders || enters_last_minute || mark == Mark::End;
        match self.reached {
            None => {
                self.reached = Some(mark);
                let first = if moment.reminders { Mark::Start } else { mark };
                // Who opens an ended order reads it in the heading.
                self.due = (is_said && mark != Mark::End).then_some((first, moment.steady_ms));
            }
            // More time was granted, and the act's result was announced. Later marks come again.
            Some(_) if self.until < until => {
                self.reached = Some(mark);
                self.due = None;
            }
            Some(reached) if reached < mark => {
                self.reached = Some(mark);
                self.due = is_said.then_some((mark, moment.steady_ms));
            }
            Some(_) => {}
        }
        self.until = until;
        let (mark, since_ms) = self.due?;
        if moment.is_hidden || must_wait(mark, since_ms, moment) {
            return None;
        }
        self.due = None;
        Some(reminder(mark, moment))
    }
}

fn must_wait(mark: Mark, since_ms: i64, moment: &Moment) -> bool {
    let is_typing = moment.last_key_ms.is_some_and(|key| moment.steady_ms - key < QUIET_MS);
    let patience_ms = if mark < Mark::OneMinute { PATIENCE_MS } else { LAST_MINUTE_PATIENCE_MS };
    is_typing && moment.steady_ms - since_ms < patience_ms
}

fn reminder(mark: Mark, moment: &Moment) -> Reminder {
    let seconds = moment.seconds_left;
    let text = match mark {
        Mark::Start => opening(seconds, moment.extendable),
        Mark::OneMinute if moment.extendable => {
            "One minute left. Press Keep my seats for five more.".to_owned()
        }
        Mark::OneMinute => "One minute left to pay.".to_owned(),
        Mark::HalfMinute => format!("{seconds} seconds left to pay."),
        Mark::End => "Your hold has ended. Everything you typed is still here.".to_owned(),
        Mark::FiveMinutes | Mark::TwoMinutes => {
            let minutes = (seconds + 30) / 60;
            let unit = if minutes == 1 { "minute" } else { "minutes" };
            format!("{minutes} {unit} left to pay.")
        }
    };
    Reminder { text, assertive: Mark::OneMinute <= mark }
}

/// The sentence at the start of a hold; it is also shown.
#[must_use]
pub fn opening(seconds: i64, extendable: bool) -> String {
    let minutes = (seconds + 59) / 60;
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    let rest = if extendable {
        "You can ask for more time."
    } else {
        "Because seats are scarce this time can't be extended. Only payment is left to do in it."
    };
    format!("Your seats are held for {minutes} {unit}. {rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNTIL: Timestamp = Timestamp(900_000);

    fn moment(seconds_left: i64) -> Moment {
        Moment {
            seconds_left,
            steady_ms: 900_000 - seconds_left * 1000,
            last_key_ms: None,
            is_hidden: false,
            reminders: true,
            extendable: true,
        }
    }

    /// Runs the last `from` seconds of a hold and returns what is said, and at how many seconds.
    fn run(from: i64, change: impl Fn(&mut Moment)) -> Vec<(i64, String, bool)> {
        let mut schedule = Schedule::default();
        let mut said = Vec::new();
        for seconds in (-10..=from).rev() {
            let mut now = moment(seconds);
            now.seconds_left = seconds.max(0);
            change(&mut now);
            if let Some(reminder) = schedule.step(UNTIL, &now) {
                said.push((seconds, reminder.text, reminder.assertive));
            }
        }
        said
    }

    #[test]
    fn a_whole_hold_speaks_six_times_and_only_the_last_minute_interrupts() {
        let said = run(900, |_| {});
        let expected = [
            (900, "Your seats are held for 15 minutes. You can ask for more time.", false),
            (300, "5 minutes left to pay.", false),
            (120, "2 minutes left to pay.", false),
            (60, "One minute left. Press Keep my seats for five more.", true),
            (30, "30 seconds left to pay.", true),
            (0, "Your hold has ended. Everything you typed is still here.", true),
        ];
        let said: Vec<_> =
            said.iter().map(|(at, text, loud)| (*at, text.as_str(), *loud)).collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn somebody_who_types_is_left_alone_but_not_for_ever() {
        // A key every second: each reminder waits for its bound.
        let said = run(400, |now| now.last_key_ms = Some(now.steady_ms));
        let at: Vec<i64> = said.iter().map(|(at, ..)| *at).collect();
        assert_eq!(at, [380, 280, 100, 55, 25, -5]);
    }

    #[test]
    fn a_reminder_comes_after_three_seconds_of_quiet() {
        // The last key falls two seconds before the five-minute mark.
        let said = run(310, |now| {
            now.last_key_ms = (now.seconds_left <= 302).then_some(900_000 - 302_000);
        });
        assert_eq!(said[1].0, 299);
    }

    #[test]
    fn switched_off_reminders_leave_the_offer_and_the_end() {
        let said = run(900, |now| now.reminders = false);
        let at: Vec<i64> = said.iter().map(|(at, ..)| *at).collect();
        assert_eq!(at, [60, 0]);
        let late = run(45, |now| now.reminders = false);
        let texts: Vec<_> = late.iter().map(|(at, text, _)| (*at, text.as_str())).collect();
        assert_eq!(texts[0], (45, "One minute left. Press Keep my seats for five more."));
        assert_eq!(texts[1].0, 0);
    }

    #[test]
    fn a_hidden_tab_says_one_summary_on_return() {
        let said = run(900, |now| now.is_hidden = (100..=890).contains(&now.seconds_left));
        let at: Vec<i64> = said.iter().map(|(at, ..)| *at).collect();
        assert_eq!(at, [900, 99, 60, 30, 0]);
        assert_eq!(said[1].1, "2 minutes left to pay.");
    }

    #[test]
    fn more_time_is_not_announced_again_and_later_marks_return() {
        let mut schedule = Schedule::default();
        assert!(schedule.step(UNTIL, &moment(250)).is_some());
        assert!(schedule.step(UNTIL, &moment(60)).is_some());
        let later = UNTIL.plus_seconds(300);
        assert_eq!(schedule.step(later, &moment(350)), None);
        let five = schedule.step(later, &moment(300));
        assert_eq!(five.map(|reminder| reminder.text).as_deref(), Some("5 minutes left to pay."));
    }

    #[test]
    fn an_ended_hold_that_is_opened_says_nothing() {
        assert_eq!(Schedule::default().step(UNTIL, &moment(0)), None);
    }

    #[test]
    fn scarce_seats_say_so_at_the_start() {
        assert_eq!(
            opening(899, false),
            "Your seats are held for 15 minutes. Because seats are scarce this time can't be \
             extended. Only payment is left to do in it."
        );
    }

    #[test]
    fn latency_only_shortens_the_shown_time() {
        let mut clock = ServerClock::default();
        assert_eq!(clock.now(5), Timestamp(0));
        // Asked at 1,000; the server stamped 50,200 at 1,200; the answer came at 1,900.
        clock.answered(Timestamp(50_200), 1_000);
        assert_eq!(clock.now(1_900), Timestamp(51_100));
        // A push that was under way for 500 ms would set the clock back: ignored.
        clock.pushed(Timestamp(51_000), 2_500);
        assert_eq!(clock.now(2_500), Timestamp(51_700));
        // After a sleep that the steady clock missed, a push moves it forwards.
        clock.pushed(Timestamp(99_000), 3_000);
        assert_eq!(clock.now(3_000), Timestamp(99_000));
    }

    #[test]
    fn another_server_with_an_earlier_clock_is_believed() {
        let mut clock = ServerClock::default();
        clock.answered(Timestamp(900_000), 0);
        clock.greeted(Timestamp(900_900), 1_000);
        assert_eq!(clock.now(1_000), Timestamp(901_000), "a slow line sets nothing back");
        clock.greeted(Timestamp(602_000), 2_000);
        assert_eq!(clock.now(2_000), Timestamp(602_000));
    }

    #[test]
    fn a_changed_device_clock_changes_nothing_but_is_noticed() {
        let mut clock = ServerClock::default();
        clock.answered(Timestamp(50_000), 0);
        assert!(!clock.has_jumped(1_000_000, 100));
        assert!(!clock.has_jumped(1_000_400, 500));
        assert!(clock.has_jumped(9_000_000, 1_000));
        assert!(!clock.has_jumped(9_000_500, 1_500));
        assert!(clock.has_jumped(1_001_500, 2_000), "set back");
        assert_eq!(clock.now(2_000), Timestamp(52_000));
    }

    #[test]
    fn the_two_clocks_read_well() {
        assert_eq!(digits(899), "14:59");
        assert_eq!(digits(5), "0:05");
        assert_eq!(digits(3_723), "1:02:03");
        assert_eq!(sentence(899), "14 minutes left to pay");
        assert_eq!(sentence(60), "1 minute left to pay");
        assert_eq!(sentence(59), "Less than a minute left to pay");
        assert_eq!(seconds_left(Timestamp(1_999), Timestamp(1_000)), 0);
        assert_eq!(seconds_left(Timestamp(1_000), Timestamp(9_000)), 0);
        assert_eq!(
            [pressure(301), pressure(300), pressure(61), pressure(60), pressure(0)],
            [Pressure::Calm, Pressure::Soon, Pressure::Soon, Pressure::Now, Pressure::Now]
        );
    }
}
